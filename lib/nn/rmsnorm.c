/*
 * rmsnorm.c - root-mean-square normalisation of each row, and its gradients.
 */
#include "config.h"

#include "nn/parts.h"

int
rmsnorm_forward(struct moe_ctx *ctx, const struct tensor *y,
                const struct tensor *r, const struct tensor *x,
                const struct tensor *w, int64_t N, int64_t D, float eps)
{
    struct launch l;
    launch_begin(ctx, &l, "rmsnorm_forward");
    launch_tensor(&l, y);
    launch_tensor(&l, r);
    launch_tensor(&l, x);
    launch_tensor(&l, w);
    launch_int(&l, D);
    launch_float(&l, eps);
    return launch_groups(&l, (uint64_t)N);
}

/* dw[d] += sum_n dy[n,d] x[n,d] r[n]. */
static int
weight_backward(struct moe_ctx *ctx, const struct tensor *dw,
                const struct tensor *partial, const struct tensor *dy,
                const struct tensor *x, const struct tensor *r, int64_t N,
                int64_t D)
{
    struct launch l;
    launch_begin(ctx, &l, "rmsnorm_parts");
    launch_tensor(&l, partial);
    launch_tensor(&l, dy);
    launch_tensor(&l, x);
    launch_tensor(&l, r);
    launch_ulong(&l, (uint64_t)N);
    launch_int(&l, D);
    int rc = launch_parts(&l, D);
    return rc ? rc : parts_add(ctx, dw, partial, D);
}

int
rmsnorm_backward(struct moe_ctx *ctx, const struct tensor *dx,
                 const struct tensor *dw, const struct tensor *partial,
                 const struct tensor *dy, const struct tensor *x,
                 const struct tensor *r, const struct tensor *w, int64_t N,
                 int64_t D, bool accumulate)
{
    // The weight first: dx may lie where dy does.
    int rc = dw ? weight_backward(ctx, dw, partial, dy, x, r, N, D) : MOE_OK;
    struct launch l;
    if (rc)
        return rc;
    launch_begin(ctx, &l, "rmsnorm_backward");
    launch_tensor(&l, dx);
    launch_tensor(&l, dy);
    launch_tensor(&l, x);
    launch_tensor(&l, r);
    launch_tensor(&l, w);
    launch_int(&l, D);
    launch_int(&l, accumulate);
    return launch_groups(&l, (uint64_t)N);
}
