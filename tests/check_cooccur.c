/*
 * check_cooccur.c - experts chosen together, and first choices of token ids,
 * against the reference.
 *
 * Precondition: K distinct experts a token.  Claim: counts are exact for any
 * shape, are added to what is there, and the diagonal is the count of each
 * expert; only the layers that are asked for are counted by id.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/routed.h"
#include "tests/tensors.h"

#include "routing/cooccur.h"
#include "routing/sets.h"

enum { L = 3, V = 29 };

static void
check_experts(int64_t N, int64_t E, int64_t K)
{
    struct moe_ctx *ctx = support_ctx();
    const size_t cells = (size_t)(L * E * E);
    int32_t *idx = routed_choices(L * N, E, K, 6),
            *got = support_alloc(cells, sizeof *got);
    int32_t *zero = support_alloc(cells, sizeof *zero);
    int64_t *want = support_alloc(2 * (size_t)(E * E), sizeof *want);
    struct tensor t = support_tensor("idx", DTYPE_I32, SHAPE(L * N, K), idx);
    struct tensor set =
        support_tensor("set", DTYPE_U32, SHAPE(L * N, sets_words(E)), NULL);
    struct tensor together =
        support_tensor("together", DTYPE_I32, SHAPE(L, E, E), zero);
    struct tensor adjacent =
        support_tensor("adjacent", DTYPE_I32, SHAPE(L, E, E), zero);
    ck_ok(moe_ctx_err(ctx), sets_forward(ctx, &set, &t, L, N, E, K));
    for (int twice = 0; twice < 2; twice++)
        ck_ok(moe_ctx_err(ctx),
              cooccur_experts(ctx, &together, &adjacent, &set, &t, L, N, E, K));
    for (int what = 0; what < 2; what++) {
        support_read(what ? &adjacent : &together, got);
        for (int64_t l = 0; l < L; l++) {
            ref_cooccur_experts(want, want + E * E, idx + l * N * K, N, E, K);
            for (int64_t i = 0; i < E * E; i++)
                ck_assert_int_eq(got[l * E * E + i],
                                 2 * want[what * E * E + i]);
        }
    }
    support_free();
}

static void
check_tokens(int64_t N, int64_t E, int64_t K)
{
    static const int32_t layer[] = {2, 0};
    enum { C = 2 };
    struct moe_ctx *ctx = support_ctx();
    int32_t *idx = routed_choices(L * N, E, K, 6),
            *ids = support_integers((size_t)N, 7, V);
    int32_t *got = support_alloc((size_t)(C * V * E), sizeof *got);
    int64_t *want = support_alloc((size_t)(V * E), sizeof *want);
    struct tensor t = support_tensor("idx", DTYPE_I32, SHAPE(L * N, K), idx);
    struct tensor tids = support_tensor("ids", DTYPE_I32, SHAPE(N), ids);
    struct tensor tlayer = support_tensor("layer", DTYPE_I32, SHAPE(C), layer);
    struct tensor count =
        support_tensor("count", DTYPE_I32, SHAPE(C, V, E), got);
    ck_ok(moe_ctx_err(ctx),
          cooccur_tokens(ctx, &count, &tids, &t, &tlayer, C, N, V, E, K));
    support_read(&count, got);
    for (int c = 0; c < C; c++) {
        ref_cooccur_tokens(want, ids, idx + layer[c] * N * K, N, V, E, K);
        for (int64_t i = 0; i < V * E; i++)
            ck_assert_int_eq(got[c * V * E + i], want[i]);
    }
    support_free();
}

START_TEST(experts_as_the_reference)
{
    for (size_t i = 0; i < ROUTED_SHAPES; i++)
        if (!support_quick() || routed_shapes[i].N <= 64)
            check_experts(routed_shapes[i].N, routed_shapes[i].E,
                          routed_shapes[i].K);
    check_experts(1, 31, 3);
}
END_TEST

START_TEST(tokens_as_the_reference)
{
    for (size_t i = 0; i < ROUTED_SHAPES; i++)
        check_tokens(routed_shapes[i].N, routed_shapes[i].E,
                     routed_shapes[i].K);
    check_tokens(1, 31, 3);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("cooccur");
    TCase *t = tcase_create("cooccur");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, experts_as_the_reference);
    tcase_add_test(t, tokens_as_the_reference);
    suite_add_tcase(s, t);
    return support_main(s, 1);
}
