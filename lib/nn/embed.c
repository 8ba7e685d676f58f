/*
 * embed.c - rows of the token table.
 */
#include "config.h"

#include "nn/nn.h"

int
embed_forward(struct moe_ctx *ctx, const struct tensor *x,
              const struct tensor *ids, const struct tensor *table, int64_t N,
              int64_t D)
{
    struct launch l;
    launch_begin(ctx, &l, "embed_forward");
    launch_tensor(&l, x);
    launch_tensor(&l, ids);
    launch_tensor(&l, table);
    launch_int(&l, D);
    launch_int(&l, table->dtype);
    return launch_groups(&l, (uint64_t)N);
}
