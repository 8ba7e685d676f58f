/*
 * edit.c - a router's logits changed by rule.
 */
#include "config.h"

#include "nn/nn.h"

int
edit_forward(struct moe_ctx *ctx, const struct tensor *logits,
             const struct tensor *rule, const struct tensor *value, int64_t N,
             int64_t E, bool normalise)
{
    struct launch l;
    launch_begin(ctx, &l, "edit_forward");
    launch_tensor(&l, logits);
    launch_tensor(&l, rule);
    launch_tensor(&l, value);
    launch_int(&l, E);
    launch_int(&l, normalise);
    return launch_groups(&l, (uint64_t)N);
}

int
edit_backward(struct moe_ctx *ctx, const struct tensor *dlogits,
              const struct tensor *rule, const struct tensor *value, int64_t N,
              int64_t E)
{
    struct launch l;
    uint64_t n = (uint64_t)(N * E);
    launch_begin(ctx, &l, "edit_backward");
    launch_tensor(&l, dlogits);
    launch_tensor(&l, rule);
    launch_tensor(&l, value);
    launch_ulong(&l, n);
    launch_int(&l, E);
    return launch_items(&l, n);
}
