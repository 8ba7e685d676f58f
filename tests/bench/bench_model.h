/*
 * bench_model.h - new models of stated sizes for the programs of `make bench`.
 */
#ifndef TESTS_BENCH_BENCH_MODEL_H
#define TESTS_BENCH_BENCH_MODEL_H

#include <polymoe/model.h>

#include "device/device.h"

struct bench_shape {
    const char *name;
    int64_t D, L, H, F, E, K, V, B, T;
};

/* By name, or NULL. */
const struct bench_shape *bench_shape(const char *name);
#define BENCH_SHAPES "tiny, mini, olmoe, narrow or small"

/* Load the model in `dir`, made there first when it is not; NULL: one that
 * nobody sees.  dtype: "f32" or "bf16", of the weights in the file. */
int bench_model_load(struct moe_ctx *ctx, struct moe_model **out,
                     const struct bench_shape *s, const char *dtype,
                     const char *dir);

/* n ids below V, always the same. */
void bench_ids(int32_t *ids, int64_t n, int64_t V);

/* The middle one of x (n), which is sorted. */
double bench_median(double *x, int64_t n);

/* Seconds per kernel on standard error. */
int bench_profile(struct moe_ctx *ctx);

#endif
