/*
 * xent.c - negative log-likelihood of the target of each row.
 */
#include "config.h"

#include "nn/nn.h"

int
xent_forward(struct moe_ctx *ctx, const struct tensor *nll,
             const struct tensor *logits, const struct tensor *target,
             int64_t N, int64_t V)
{
    struct launch l;
    launch_begin(ctx, &l, "xent_forward");
    launch_tensor(&l, nll);
    launch_tensor(&l, logits);
    launch_tensor(&l, target);
    launch_int(&l, V);
    return launch_groups(&l, (uint64_t)N);
}
