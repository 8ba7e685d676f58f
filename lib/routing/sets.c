/*
 * sets.c - the chosen experts of tokens as sets of bits, on the device.
 */
#include "config.h"

#include "routing/sets.h"

int64_t
sets_words(int64_t E)
{
    return (E + 31) / 32;
}

int64_t
sets_pieces(int64_t N)
{
    return (N + SETS_PIECE - 1) / SETS_PIECE;
}

int
sets_forward(struct moe_ctx *ctx, const struct tensor *set,
             const struct tensor *idx, int64_t L, int64_t N, int64_t E,
             int64_t K)
{
    const uint64_t rows = (uint64_t)L * (uint64_t)N;
    struct launch l;
    launch_begin(ctx, &l, "sets_forward");
    launch_tensor(&l, set);
    launch_tensor(&l, idx);
    launch_ulong(&l, rows);
    launch_int(&l, K);
    launch_int(&l, sets_words(E));
    return launch_items(&l, rows * (uint64_t)sets_words(E));
}

int
sets_pairs(struct moe_ctx *ctx, const struct tensor *pairs,
           const struct tensor *set, const struct tensor *seq, int64_t S,
           int64_t L, int64_t N, int64_t E, int64_t K)
{
    struct launch l;
    launch_begin(ctx, &l, "sets_pairs");
    launch_tensor(&l, pairs);
    launch_tensor(&l, set);
    launch_tensor(&l, seq);
    launch_int(&l, N);
    launch_int(&l, K);
    launch_int(&l, sets_words(E));
    return launch_groups_2d(&l, (uint64_t)S, (uint64_t)L);
}

int
sets_common(struct moe_ctx *ctx, const struct tensor *common,
            const struct tensor *a, const struct tensor *b, int64_t L,
            int64_t N, int64_t E, int64_t K)
{
    struct launch l;
    launch_begin(ctx, &l, "sets_common");
    launch_tensor(&l, common);
    launch_tensor(&l, a);
    launch_tensor(&l, b);
    launch_int(&l, N);
    launch_int(&l, K);
    launch_int(&l, sets_words(E));
    launch_int(&l, SETS_PIECE);
    return launch_groups_2d(&l, (uint64_t)sets_pieces(N), (uint64_t)L);
}
