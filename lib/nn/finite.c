/*
 * finite.c - where numbers stop being finite.
 */
#include "nn/nn.h"

int64_t
finite_blocks(int64_t N)
{
    return (N + FINITE_ROWS - 1) / FINITE_ROWS;
}

int
finite_forward(struct moe_ctx *ctx, const struct tensor *bad,
               const struct tensor *x, int64_t N, int64_t E)
{
    struct launch l;
    launch_begin(ctx, &l, "finite_forward");
    launch_tensor(&l, bad);
    launch_tensor(&l, x);
    launch_int(&l, N);
    launch_int(&l, E);
    launch_int(&l, FINITE_ROWS);
    return launch_groups(&l, (uint64_t)finite_blocks(N));
}
