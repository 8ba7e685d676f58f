/*
 * rmsnorm.c - root-mean-square normalisation of each row.
 */
#include "config.h"

#include "nn/nn.h"

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
