/*
 * elementwise.c - what touches each number once: zero, sum of two, clamp.
 */
#include "config.h"

#include "nn/nn.h"

enum { EACH = 8 }; // numbers that an item of the kernels takes

int
zero_forward(struct moe_ctx *ctx, const struct tensor *x, uint64_t n)
{
    struct launch l;
    launch_begin(ctx, &l, "zero_forward");
    launch_tensor(&l, x);
    launch_ulong(&l, n);
    return launch_items(&l, (n + EACH - 1) / EACH);
}

int
add_forward(struct moe_ctx *ctx, const struct tensor *x, const struct tensor *y,
            int64_t n)
{
    struct launch l;
    launch_begin(ctx, &l, "add_forward");
    launch_tensor(&l, x);
    launch_tensor(&l, y);
    launch_ulong(&l, (uint64_t)n);
    return launch_items(&l, ((uint64_t)n + EACH - 1) / EACH);
}

int
clip_forward(struct moe_ctx *ctx, const struct tensor *x, float limit,
             int64_t N, int64_t D)
{
    uint64_t n = (uint64_t)N * (uint64_t)D;
    struct launch l;
    launch_begin(ctx, &l, "clip_forward");
    launch_tensor(&l, x);
    launch_ulong(&l, n);
    launch_float(&l, limit);
    return launch_items(&l, (n + EACH - 1) / EACH);
}

int
clip_backward(struct moe_ctx *ctx, const struct tensor *dx,
              const struct tensor *y, float limit, int64_t N, int64_t D)
{
    uint64_t n = (uint64_t)N * (uint64_t)D;
    struct launch l;
    launch_begin(ctx, &l, "clip_backward");
    launch_tensor(&l, dx);
    launch_tensor(&l, y);
    launch_ulong(&l, n);
    launch_float(&l, limit);
    return launch_items(&l, (n + EACH - 1) / EACH);
}
