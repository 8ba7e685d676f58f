/*
 * xent.c - negative log-likelihood of the target of each row, its gradient.
 */
#include "config.h"

#include "nn/nn.h"

/* The last arguments, of how a group's items share a row, and the launch.
 *
 * On a GPU the items of a group read side by side; a CPU runs them one after
 * the other, so each one reads on where the last one ended. */
static int
launch_rows(struct moe_ctx *ctx, struct launch *l, int64_t N, int64_t V)
{
    const int64_t group = (int64_t)ctx_group(ctx);
    const int64_t each = (V / 8 + group - 1) / group;
    const bool cpu = ctx_device(ctx)->kind == DEVICE_CPU;
    launch_int(l, V);
    launch_int(l, each);
    launch_int(l, cpu ? each : 1);
    launch_int(l, cpu ? 1 : group);
    return launch_groups(l, (uint64_t)N);
}

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
    return launch_rows(ctx, &l, N, V);
}

int
xent_backward(struct moe_ctx *ctx, const struct tensor *logits,
              const struct tensor *nll, const struct tensor *target,
              float scale, int64_t N, int64_t V)
{
    struct launch l;
    launch_begin(ctx, &l, "xent_backward");
    launch_tensor(&l, logits);
    launch_tensor(&l, nll);
    launch_tensor(&l, target);
    launch_float(&l, scale);
    return launch_rows(ctx, &l, N, V);
}
