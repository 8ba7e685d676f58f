/*
 * opencl.h - the OpenCL header of this system, and words for its numbers.
 */
#ifndef DEVICE_OPENCL_H
#define DEVICE_OPENCL_H

#include "config.h"

#ifdef HAVE_CL_CL_H
#include <CL/cl.h>
#else
#include <OpenCL/opencl.h>
#endif

/* "CL_OUT_OF_RESOURCES (-5)"; static for the known numbers, "unknown OpenCL
 * status" otherwise. */
const char *opencl_words(cl_int status);

#endif
