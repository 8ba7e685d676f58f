/*
 * fakeicd.c - an OpenCL driver that misbehaves, for devices.test.
 *
 * POLYMOE_FAKE_ICD says how: "crash" ends the process when it is asked for its
 * devices, "hang" never answers, "stop" stops who asked for four seconds and
 * answers one later, "load" ends the process already when the loader opens it,
 * anything else has no devices.
 */
#include "config.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <CL/cl.h>
#include <CL/cl_icd.h>

#define EXPORT __attribute__((visibility("default")))

struct _cl_platform_id {
    const struct _cl_icd_dispatch *dispatch;
};

static bool
told(const char *how)
{
    const char *s = getenv("POLYMOE_FAKE_ICD");
    return s && strcmp(s, how) == 0;
}

static cl_int CL_API_CALL
platform_info(cl_platform_id p, cl_platform_info what, size_t cap, void *out,
              size_t *n)
{
    static const char version[] = "OpenCL 1.2 fake";
    static const char name[] = "fake";
    const char *s = what == CL_PLATFORM_VERSION ? version : name;
    (void)p;
    if (what == CL_PLATFORM_EXTENSIONS)
        s = "cl_khr_icd";
    if (out && cap < strlen(s) + 1)
        return CL_INVALID_VALUE;
    if (out)
        memcpy(out, s, strlen(s) + 1);
    if (n)
        *n = strlen(s) + 1;
    return CL_SUCCESS;
}

static cl_int CL_API_CALL
device_ids(cl_platform_id p, cl_device_type type, cl_uint cap,
           cl_device_id *out, cl_uint *n)
{
    (void)p, (void)type, (void)cap, (void)out, (void)n;
    if (told("crash"))
        abort();
    while (told("hang"))
        sleep(1);
    if (told("stop")) {
        kill(getppid(), SIGSTOP);
        sleep(4);
        kill(getppid(), SIGCONT);
        sleep(1);
    }
    return CL_DEVICE_NOT_FOUND;
}

static const struct _cl_icd_dispatch dispatch = {
    .clGetPlatformInfo = platform_info,
    .clGetDeviceIDs = device_ids,
};

static struct _cl_platform_id platform = {&dispatch};

static cl_int CL_API_CALL
platform_ids(cl_uint cap, cl_platform_id *out, cl_uint *n)
{
    if (told("load"))
        abort();
    if (out && cap)
        out[0] = &platform;
    if (n)
        *n = 1;
    return CL_SUCCESS;
}

EXPORT void *CL_API_CALL clGetExtensionFunctionAddress(const char *name);

EXPORT void *CL_API_CALL
clGetExtensionFunctionAddress(const char *name)
{
    if (strcmp(name, "clIcdGetPlatformIDsKHR") == 0)
        return (void *)(intptr_t)platform_ids;
    if (strcmp(name, "clGetPlatformInfo") == 0)
        return (void *)(intptr_t)platform_info;
    return NULL;
}
