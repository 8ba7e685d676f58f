/*
 * combine.c - the experts' rows added back to their tokens.
 */
#include "config.h"

#include "nn/nn.h"

int
combine_forward(struct moe_ctx *ctx, const struct tensor *x,
                const struct tensor *y, const struct tensor *weight,
                const struct dispatch *d, int64_t N, int64_t K, int64_t D)
{
    struct launch l;
    launch_begin(ctx, &l, "combine_forward");
    launch_tensor(&l, x);
    launch_tensor(&l, y);
    launch_tensor(&l, weight);
    launch_tensor(&l, &d->slot_of);
    launch_int(&l, D);
    launch_int(&l, K);
    return launch_groups(&l, (uint64_t)N);
}
