/*
 * scatter.c - rows put in the places that a list names.
 */
#include "config.h"

#include "nn/nn.h"

int
scatter_forward(struct moe_ctx *ctx, const struct tensor *y,
                const struct tensor *x, const struct tensor *at, int64_t N,
                int64_t D)
{
    struct launch l;
    launch_begin(ctx, &l, "scatter_forward");
    launch_tensor(&l, y);
    launch_tensor(&l, x);
    launch_tensor(&l, at);
    launch_int(&l, D);
    return launch_groups(&l, (uint64_t)N);
}
