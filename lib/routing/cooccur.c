/*
 * cooccur.c - which experts are chosen together, and which token ids go to
 * which expert.
 */
#include "config.h"

#include "routing/cooccur.h"

#include "routing/sets.h"

int
cooccur_experts(struct moe_ctx *ctx, const struct tensor *together,
                const struct tensor *adjacent, const struct tensor *set,
                const struct tensor *idx, int64_t L, int64_t N, int64_t E,
                int64_t K)
{
    struct launch l;
    launch_begin(ctx, &l, "cooccur_experts");
    launch_tensor(&l, together);
    launch_tensor(&l, adjacent);
    launch_tensor(&l, set);
    launch_tensor(&l, idx);
    launch_int(&l, N);
    launch_int(&l, E);
    launch_int(&l, K);
    launch_int(&l, sets_words(E));
    return launch_groups_2d(&l, (uint64_t)E, (uint64_t)L);
}

int
cooccur_tokens(struct moe_ctx *ctx, const struct tensor *count,
               const struct tensor *ids, const struct tensor *idx,
               const struct tensor *layer, int64_t C, int64_t N, int64_t V,
               int64_t E, int64_t K)
{
    struct launch l;
    launch_begin(ctx, &l, "cooccur_tokens");
    launch_tensor(&l, count);
    launch_tensor(&l, ids);
    launch_tensor(&l, idx);
    launch_tensor(&l, layer);
    launch_int(&l, C);
    launch_int(&l, N);
    launch_int(&l, V);
    launch_int(&l, E);
    launch_int(&l, K);
    return launch_items(&l, (uint64_t)C * (uint64_t)N);
}
