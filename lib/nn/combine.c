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

int
combine_weights(struct moe_ctx *ctx, const struct tensor *ws,
                const struct tensor *weight, const struct dispatch *d,
                int64_t N, int64_t K)
{
    struct launch l;
    launch_begin(ctx, &l, "combine_weights");
    launch_tensor(&l, ws);
    launch_tensor(&l, weight);
    launch_tensor(&l, &d->slot_of);
    launch_int(&l, N * K);
    return launch_items(&l, (uint64_t)(N * K));
}

int
combine_backward(struct moe_ctx *ctx, const struct tensor *dweight,
                 const struct tensor *dx, const struct tensor *dws,
                 const struct tensor *dxs, const struct dispatch *d, int64_t N,
                 int64_t K, int64_t D)
{
    struct launch l;
    launch_begin(ctx, &l, "combine_backward");
    launch_tensor(&l, dweight);
    launch_tensor(&l, dx);
    launch_tensor(&l, dws);
    launch_tensor(&l, dxs);
    launch_tensor(&l, &d->slot_of);
    launch_int(&l, D);
    launch_int(&l, K);
    return launch_groups(&l, (uint64_t)N);
}
