/*
 * provider.h - what gemm.c asks of each provider of products.
 *
 * A provider gets products that were checked: sizes of at least 1, strides
 * filled in, C and A f32, B of a float type.
 */
#ifndef DEVICE_PROVIDER_H
#define DEVICE_PROVIDER_H

#include "device/gemm.h"

struct provider {
    const char *name;
    bool (*takes)(struct moe_ctx *ctx, const struct gemm *g);
    int (*run)(struct moe_ctx *ctx, const struct gemm *g);
    bool stepped; // sums of NN and TN are made of short ones
};

extern const struct provider provider_plain, provider_clblast, provider_cpu;

/* C = bias (+ C): what is left of a product without its sums. */
int gemm_start(struct moe_ctx *ctx, const struct gemm *g);

#endif
