/*
 * check_packed.c - attention of rows of many sequences, packed one after
 * another, against its reference.
 *
 * Precondition: an OpenCL device; a cache with rows that nobody may look at.
 * Claim: every version that the device can run agrees with the reference for
 * sequences below, at and above its blocks, with and without keys before them;
 * a row has the same bits whatever stands in its tile.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/tensors.h"

#include <stdlib.h>

#include "nn/nn.h"

/* Sequences whose rows are packed one after another; each has `past` keys
 * before them in the cache. */
struct packed {
    int64_t N, R, tiles;
    int32_t key_row[256], position[256], tile[256][4];
};

static void
pack(struct packed *p, const int64_t (*sequence)[2], size_t n, int64_t rows)
{
    *p = (struct packed){0};
    for (size_t i = 0; i < n; i++) {
        const int64_t past = sequence[i][0], count = sequence[i][1];
        p->R += 3; // rows of the cache that nobody may look at
        for (int64_t t = 0; t < count; t++) {
            p->key_row[p->N + t] = (int32_t)(p->R + past + t);
            p->position[p->N + t] = (int32_t)(past + t);
        }
        for (int64_t t = 0; t < count; t += rows) {
            int32_t *tile = p->tile[p->tiles++];
            tile[0] = (int32_t)(p->N + t);
            tile[1] = (int32_t)(count - t < rows ? count - t : rows);
            tile[2] = (int32_t)p->R;
            tile[3] = (int32_t)(past + t);
        }
        p->N += count;
        p->R += past + count;
    }
}

/* Random queries, keys and values, and what attention makes of them. */
struct pass {
    struct tensor q, k, v, out, lse;
    float *hq, *hk, *hv;
};

static void
attend(struct pass *a, const struct packed *p, int64_t H, int64_t G, int64_t S)
{
    const int64_t N = p->N;
    const size_t nq = (size_t)(N * H * S), nk = (size_t)(p->R * G * S);
    a->hq = support_alloc(nq, sizeof *a->hq);
    a->hk = support_alloc(nk, sizeof *a->hk);
    a->hv = support_alloc(nk, sizeof *a->hv);
    a->q = support_random("q", DTYPE_F32, SHAPE(N, H, S), 1, 1.0, a->hq);
    a->k = support_random("k", DTYPE_F32, SHAPE(p->R, G, S), 2, 1.0, a->hk);
    a->v = support_random("v", DTYPE_F32, SHAPE(p->R, G, S), 3, 1.0, a->hv);
    a->out = support_tensor("out", DTYPE_F32, SHAPE(N, H, S), NULL);
    a->lse = support_tensor("lse", DTYPE_F32, SHAPE(H, N), NULL);
    struct packing at = {
        support_tensor("key rows", DTYPE_I32, SHAPE(N), p->key_row),
        support_tensor("positions", DTYPE_I32, SHAPE(N), p->position),
        support_tensor("tiles", DTYPE_I32, SHAPE(p->tiles, 4), p->tile),
        p->tiles};
    ck_ok(moe_ctx_err(support_ctx()),
          attention_packed(support_ctx(), &a->out, &a->lse, &a->q, &a->k, &a->v,
                           &at, N, H, G, S));
}

static void
compare_packed(const int64_t (*sequence)[2], size_t n, int64_t H, int64_t G,
               int64_t S)
{
    struct packed p;
    struct pass a;
    pack(&p, sequence, n, attention_tile_rows(support_ctx(), S));
    attend(&a, &p, H, G, S);
    double *out = support_alloc((size_t)(p.N * H * S), sizeof *out);
    double *lse = support_alloc((size_t)(p.N * H), sizeof *lse);
    ref_attention_packed(out, lse, a.hq, a.hk, a.hv, p.key_row, p.position, p.N,
                         H, G, S);
    support_close_tensor(&a.out, out, 2e-5, 2e-5);
    support_close_tensor(&a.lse, lse, 2e-5, 2e-5);
    support_free();
}

static void *
bytes_of(const struct tensor *t)
{
    void *x = support_alloc((size_t)tensor_count(t), sizeof(float));
    ck_ok(moe_ctx_err(support_ctx()), tensor_read(t, x));
    return x;
}

/* A row has the same bits in a tile of its own, as decoding has it. */
START_TEST(a_row_alone_has_the_same_bits)
{
    static const int64_t many[][2] = {{0, 33}, {49, 17}, {5, 1}, {130, 65}};
    static const int64_t sizes[] = {2, 6, 8, 10, 16, 20, 64, 128};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const int64_t S = sizes[i];
        struct packed tiles, alone;
        struct pass a, b;
        pack(&tiles, many, 4, attention_tile_rows(support_ctx(), S));
        pack(&alone, many, 4, 1);
        attend(&a, &tiles, 4, 2, S);
        attend(&b, &alone, 4, 2, S);
        ck_assert_mem_eq(bytes_of(&a.out), bytes_of(&b.out),
                         (size_t)tensor_count(&a.out) * sizeof(float));
        ck_assert_mem_eq(bytes_of(&a.lse), bytes_of(&b.lse),
                         (size_t)tensor_count(&a.lse) * sizeof(float));
        support_free();
    }
}
END_TEST

START_TEST(packed_rows_see_their_own_sequence)
{
    static const int64_t one[][2] = {{0, 1}}, step[][2] = {{70, 1}, {0, 1}},
                         many[][2] = {{0, 33}, {49, 17}, {5, 1}, {130, 65}};
    for (int plain = 0; plain < 2; plain++) {
        if (plain)
            setenv("POLYMOE_ATTENTION", "plain", 1);
        compare_packed(one, 1, 2, 2, 8);
        compare_packed(step, 2, 4, 2, 16);
        compare_packed(many, 4, 4, 2, 16);
        compare_packed(many, 4, 3, 1, 6);
        compare_packed(step, 2, 2, 1, 10);
        unsetenv("POLYMOE_ATTENTION");
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("packed");
    TCase *tc = tcase_create("packed");
    tcase_set_timeout(tc, 0);
    tcase_add_test(tc, packed_rows_see_their_own_sequence);
    tcase_add_test(tc, a_row_alone_has_the_same_bits);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
