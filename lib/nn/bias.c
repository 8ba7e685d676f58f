/*
 * bias.c - the gradient of a bias, and the end of every sum over tokens.
 */
#include "config.h"

#include "nn/parts.h"

enum { EACH = 8 }; // columns that an item takes

int
launch_parts(struct launch *l, int64_t D)
{
    const int64_t group = EACH * (int64_t)ctx_group(l->ctx);
    return launch_groups_2d(l, (uint64_t)((D + group - 1) / group), NN_PARTS);
}

int
parts_add(struct moe_ctx *ctx, const struct tensor *x,
          const struct tensor *partial, int64_t D)
{
    struct launch l;
    launch_begin(ctx, &l, "parts_add");
    launch_tensor(&l, x);
    launch_tensor(&l, partial);
    launch_int(&l, NN_PARTS);
    launch_int(&l, D);
    return launch_items(&l, ((uint64_t)D + EACH - 1) / EACH);
}

int
bias_backward(struct moe_ctx *ctx, const struct tensor *db,
              const struct tensor *partial, const struct tensor *dy, int64_t N,
              int64_t D)
{
    struct launch l;
    launch_begin(ctx, &l, "bias_backward");
    launch_tensor(&l, partial);
    launch_tensor(&l, dy);
    launch_ulong(&l, (uint64_t)N);
    launch_int(&l, D);
    int rc = launch_parts(&l, D);
    return rc ? rc : parts_add(ctx, db, partial, D);
}
