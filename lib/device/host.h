/*
 * host.h - what the operating system and the processor say about this machine.
 */
#ifndef DEVICE_HOST_H
#define DEVICE_HOST_H

#include <stdint.h>

/* Bytes that a program can still be given without swapping; 0: unknown. */
uint64_t host_free_bytes(void);

/* Width of the widest SIMD registers that the operating system has enabled:
 * 128, 256 or 512; 0: unknown. */
uint32_t host_vector_bits(void);

/* The instructions that our kernels ask for, as this processor has them:
 * "avx2 fma avx512f avx512_bf16", space separated, "" for none.  Static. */
const char *host_instructions(void);

#endif
