/*
 * attention.c - causal attention.
 */
#include "config.h"

#include "nn/nn.h"

#include <assert.h>
#include <math.h>

int
attention_forward(struct moe_ctx *ctx, const struct tensor *out,
                  const struct tensor *lse, const struct tensor *q,
                  const struct tensor *k, const struct tensor *v, int64_t B,
                  int64_t T, int64_t H, int64_t G, int64_t S)
{
    struct launch l;
    assert(H % G == 0);
    launch_begin(ctx, &l, "attention_forward");
    launch_tensor(&l, out);
    launch_tensor(&l, lse);
    launch_tensor(&l, q);
    launch_tensor(&l, k);
    launch_tensor(&l, v);
    launch_int(&l, T);
    launch_int(&l, H);
    launch_int(&l, G);
    launch_int(&l, S);
    launch_float(&l, (float)(1 / sqrt((double)S)));
    return launch_groups(&l, (uint64_t)B * (uint64_t)T * (uint64_t)H);
}
