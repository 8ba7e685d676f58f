/*
 * check_sets.c - sets of chosen experts on the device against the reference.
 *
 * Precondition: K distinct experts a token, or -1.  Claim: the number of
 * experts that two tokens share is exact, for any number of experts below, at
 * and above a word of bits, for sequences of any length and for rows of
 * padding between them.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/routed.h"
#include "tests/tensors.h"

#include "routing/sets.h"

enum { L = 2, MOST = 17 };

static int64_t
smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* idx (L N,K), none in row 3. */
static int32_t *
choices(int64_t N, int64_t E, int64_t K, uint64_t seed)
{
    int32_t *idx = routed_choices(L * N, E, K, seed);
    for (int64_t k = 0; k < K; k++)
        idx[3 * K + k] = -1;
    return idx;
}

static struct tensor
make_set(const int32_t *idx, int64_t N, int64_t E, int64_t K)
{
    struct moe_ctx *ctx = support_ctx();
    struct tensor t = support_tensor("idx", DTYPE_I32, SHAPE(L * N, K), idx);
    struct tensor set =
        support_tensor("set", DTYPE_U32, SHAPE(L * N, sets_words(E)), NULL);
    ck_ok(moe_ctx_err(ctx), sets_forward(ctx, &set, &t, L, N, E, K));
    return set;
}

static void
same(const int32_t *got, const int64_t *want, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        ck_assert_int_eq(got[i], want[i]);
}

static void
check_pairs(int64_t N, int64_t E, int64_t K)
{
    // One token, none, some with padding after them, the rest.
    const int32_t seq[] = {
        0,         1, 1, 1, 1, (int32_t)smaller(9, N), (int32_t)smaller(11, N),
        (int32_t)N};
    enum { S = 4 };
    struct moe_ctx *ctx = support_ctx();
    int64_t all[MOST], adjacent[MOST];
    int32_t *idx = choices(N, E, K, 3);
    struct tensor set = make_set(idx, N, E, K);
    struct tensor t = support_tensor("seq", DTYPE_I32, SHAPE(S, 2), seq);
    struct tensor pairs =
        support_tensor("pairs", DTYPE_I32, SHAPE(L, S, 2, K + 1), NULL);
    int32_t *got = support_alloc((size_t)(L * S * 2 * (K + 1)), sizeof *got);
    ck_ok(moe_ctx_err(ctx), sets_pairs(ctx, &pairs, &set, &t, S, L, N, E, K));
    support_read(&pairs, got);
    for (int64_t l = 0; l < L; l++)
        for (int64_t s = 0; s < S; s++) {
            ref_sets_pairs(all, adjacent, idx + l * N * K, seq[2 * s],
                           seq[2 * s + 1], K);
            const int32_t *at = got + (l * S + s) * 2 * (K + 1);
            same(at, all, K + 1);
            same(at + K + 1, adjacent, K + 1);
        }
    support_free();
}

static void
check_common(int64_t N, int64_t E, int64_t K)
{
    struct moe_ctx *ctx = support_ctx();
    const int64_t P = sets_pieces(N);
    int64_t want[MOST];
    int32_t *a = choices(N, E, K, 4), *b = choices(N, E, K, 5);
    struct tensor x = make_set(a, N, E, K), y = make_set(b, N, E, K);
    struct tensor common =
        support_tensor("common", DTYPE_I32, SHAPE(L, P, K + 1), NULL);
    int32_t *got = support_alloc((size_t)(L * P * (K + 1)), sizeof *got);
    ck_ok(moe_ctx_err(ctx), sets_common(ctx, &common, &x, &y, L, N, E, K));
    support_read(&common, got);
    for (int64_t l = 0; l < L; l++)
        for (int64_t p = 0; p < P; p++) {
            ref_sets_common(want, a + l * N * K, b + l * N * K, p * SETS_PIECE,
                            smaller((p + 1) * SETS_PIECE, N), K);
            same(got + (l * P + p) * (K + 1), want, K + 1);
        }
    support_free();
}

START_TEST(pairs_as_the_reference)
{
    for (size_t i = 0; i < ROUTED_SHAPES; i++)
        check_pairs(routed_shapes[i].N, routed_shapes[i].E, routed_shapes[i].K);
}
END_TEST

START_TEST(common_as_the_reference)
{
    for (size_t i = 0; i < ROUTED_SHAPES; i++)
        check_common(routed_shapes[i].N, routed_shapes[i].E,
                     routed_shapes[i].K);
    check_common(SETS_PIECE, 64, 8);
    check_common(2 * SETS_PIECE + 1, 8, 2);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("sets");
    TCase *t = tcase_create("sets");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, pairs_as_the_reference);
    tcase_add_test(t, common_as_the_reference);
    suite_add_tcase(s, t);
    return support_main(s, 1);
}
