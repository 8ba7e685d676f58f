/*
 * router.c - probabilities of the experts and the choice of the best K.
 */
#include "config.h"

#include "nn/nn.h"

int
router_forward(struct moe_ctx *ctx, const struct tensor *probs,
               const struct tensor *idx, const struct tensor *weight,
               const struct tensor *logits, int64_t N, int64_t E, int64_t K,
               bool renorm)
{
    struct launch l;
    launch_begin(ctx, &l, "router_forward");
    launch_tensor(&l, probs);
    launch_tensor(&l, idx);
    launch_tensor(&l, weight);
    launch_tensor(&l, logits);
    launch_int(&l, E);
    launch_int(&l, K);
    launch_int(&l, renorm);
    return launch_groups(&l, (uint64_t)N);
}

int
router_backward(struct moe_ctx *ctx, const struct tensor *dlogits,
                const struct tensor *dweight, const struct tensor *balance,
                const struct tensor *logits, const struct tensor *probs,
                const struct tensor *idx, const struct tensor *weight, float z,
                int64_t N, int64_t E, int64_t K, bool renorm)
{
    struct launch l;
    launch_begin(ctx, &l, "router_backward");
    launch_tensor(&l, dlogits);
    launch_tensor(&l, dweight);
    launch_tensor(&l, balance ? balance : dweight); // not read then
    launch_tensor(&l, logits);
    launch_tensor(&l, probs);
    launch_tensor(&l, idx);
    launch_tensor(&l, weight);
    launch_float(&l, z);
    launch_int(&l, E);
    launch_int(&l, K);
    launch_int(&l, renorm);
    launch_int(&l, balance != NULL);
    return launch_groups(&l, (uint64_t)N);
}
