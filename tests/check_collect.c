/*
 * check_collect.c - counting on the device against the reference.
 *
 * Precondition: probs and idx of a router, in no particular relation to each
 * other.  Claim: counts are equal; sums are those of the reference to the
 * rounding of COLLECT_PIECE additions; documents that go on in the next batch
 * are one document; rows outside every segment are not counted.
 */
#include "config.h"

#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "routing/collect.h"
#include "tests/ref/ref.h"

enum { L = 3, ROWS = 2 * 131 };

/* A stream of ROWS tokens in batches of N, with a router's output for each
 * layer; the batches' tensors are views of the whole. */
struct stream {
    int64_t N, E, K;
    float *probs;  // (L,ROWS,E)
    int32_t *idx;  // (L,ROWS,K)
    float *weight; // (L,ROWS,K)
    struct tensor d_probs, d_idx, d_weight;
};

static void
stream_make(struct stream *s, struct moe_ctx *ctx, int64_t N, int64_t E,
            int64_t K)
{
    *s = (struct stream){.N = N, .E = E, .K = K};
    s->probs = calloc((size_t)(L * ROWS * E), sizeof *s->probs);
    s->idx = calloc((size_t)(L * ROWS * K), sizeof *s->idx);
    s->weight = calloc((size_t)(L * ROWS * K), sizeof *s->weight);
    for (int64_t i = 0; i < L * ROWS * K; i++)
        s->weight[i] = (float)rng_uniform(3, 0, (uint64_t)i);
    for (int64_t i = 0; i < L * ROWS * E; i++)
        s->probs[i] = (float)rng_uniform(1, 0, (uint64_t)i);
    // Row 5k chooses expert 0 first; the last expert is chosen by none.
    for (int64_t n = 0; n < L * ROWS; n++)
        for (int64_t k = 0; k < K; k++)
            s->idx[n * K + k] =
                n % 5 == 0 && k == 0
                    ? 0
                    : (int32_t)(rng_uniform(2, 0, (uint64_t)(n * K + k)) *
                                (double)(E > 1 ? E - 1 : 1));
    s->d_probs = tensor_shape(DTYPE_F32, 2, (int64_t[]){L * ROWS, E});
    s->d_idx = tensor_shape(DTYPE_I32, 2, (int64_t[]){L * ROWS, K});
    s->d_weight = tensor_shape(DTYPE_F32, 2, (int64_t[]){L * ROWS, K});
    ck_ok(moe_ctx_err(ctx), tensor_create(ctx, &s->d_weight, "weight"));
    ck_ok(moe_ctx_err(ctx), tensor_write(&s->d_weight, s->weight));
    ck_ok(moe_ctx_err(ctx), tensor_create(ctx, &s->d_probs, "probs"));
    ck_ok(moe_ctx_err(ctx), tensor_create(ctx, &s->d_idx, "idx"));
    ck_ok(moe_ctx_err(ctx), tensor_write(&s->d_probs, s->probs));
    ck_ok(moe_ctx_err(ctx), tensor_write(&s->d_idx, s->idx));
}

static void
stream_free(struct stream *s)
{
    free(s->probs);
    free(s->idx);
    free(s->weight);
    buffer_destroy(&s->d_weight.buf);
    buffer_destroy(&s->d_probs.buf);
    buffer_destroy(&s->d_idx.buf);
}

/* One batch: rows [at, at + n) of the stream. */
static int
pass(struct collect *c, const struct stream *s, int64_t at, int64_t n)
{
    int rc = MOE_OK;
    for (int64_t l = 0; !rc && l < L; l++) {
        struct tensor probs = tensor_rows(&s->d_probs, l * ROWS + at, n);
        struct tensor idx = tensor_rows(&s->d_idx, l * ROWS + at, n);
        struct tensor weight = tensor_rows(&s->d_weight, l * ROWS + at, n);
        rc = collect_layer(c, l, NULL, &probs, &idx, &weight, n);
    }
    return rc;
}

/* Documents of 1, 2, 3 ... tokens; `skip` rows at each batch's end are
 * padding. */
static size_t
cut_batch(struct collect_segment *segment, int64_t at, int64_t n, int64_t skip)
{
    size_t count = 0;
    uint64_t document = 0;
    for (int64_t row = 0, length = 1; row < at + n - skip; length++) {
        int64_t end = row + length;
        int64_t first = row < at ? at : row;
        int64_t last = end > at + n - skip ? at + n - skip : end;
        if (first < last)
            segment[count++] =
                (struct collect_segment){first - at, last - at, document};
        row = end;
        document++;
    }
    return count;
}

static void
collect_stream(struct collect *c, const struct stream *s,
               struct moe_routing_language *p, int64_t skip)
{
    struct moe_err *err = moe_ctx_err(support_ctx());
    struct collect_segment segment[ROWS];
    for (int64_t at = 0; at < ROWS; at += s->N) {
        int64_t n = s->N < ROWS - at ? s->N : ROWS - at;
        size_t count = cut_batch(segment, at, n, skip);
        ck_ok(err, collect_begin(c, segment, count));
        ck_ok(err, pass(c, s, at, n));
        ck_ok(err, collect_end(c, p));
    }
    collect_finish(c, p);
}

/* What the language must hold after collect_stream() with skip = 0. */
static void
compare(const struct stream *s, const struct moe_routing_language *p)
{
    const int64_t E = s->E;
    int64_t count[256];
    double sum[256], gate[256], mean[256];
    ck_assert_uint_eq(p->tokens, ROWS);
    for (int64_t l = 0; l < L; l++) {
        const float *probs = s->probs + l * ROWS * E;
        const int32_t *idx = s->idx + l * ROWS * s->K;
        const float *weight = s->weight + l * ROWS * s->K;
        uint64_t documents = 0;
        memset(mean, 0, sizeof mean);
        for (int64_t row = 0, n = 1; row < ROWS; row += n++, documents++) {
            int64_t end = row + n < ROWS ? row + n : ROWS;
            ref_collect(count, sum, gate, probs, idx, weight, row, end, E,
                        s->K);
            for (int64_t e = 0; e < E; e++)
                mean[e] += sum[e] / (double)(end - row);
        }
        ck_assert_uint_eq(p->documents, documents);
        ref_collect(count, sum, gate, probs, idx, weight, 0, ROWS, E, s->K);
        for (int64_t e = 0; e < E; e++) {
            ck_assert_uint_eq(p->count[l * E + e], (uint64_t)count[e]);
            ck_assert_double_eq_tol(p->pooled[l * E + e], sum[e], 1e-4);
            ck_assert_double_eq_tol(p->gate[l * E + e], gate[e], 1e-4);
            ck_assert_double_eq_tol(p->by_document[l * E + e], mean[e], 1e-5);
        }
    }
}

static struct moe_routing_language *
language_of(struct moe_routing *r, int64_t E, int64_t K)
{
    struct moe_err err = {0};
    struct moe_routing_language *p;
    ck_ok(&err, moe_routing_init(&err, r, L, E, K));
    ck_ok(&err, moe_routing_add(&err, r, "en", &p));
    return p;
}

START_TEST(counts_as_the_reference)
{
    static const int64_t shape[][3] = {
        // N, E, K: below, at and above the group size, a prime, one expert
        {ROWS, 64, 8}, {131, 63, 3}, {97, 65, 1},  {64, 16, 4},
        {31, 1, 1},    {1, 4, 4},    {100, 67, 5}, {ROWS, 200, 2}};
    struct moe_ctx *ctx = support_ctx();
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        const int64_t N = shape[i][0], E = shape[i][1], K = shape[i][2];
        struct stream s;
        struct collect *c;
        struct moe_routing r;
        stream_make(&s, ctx, N, E, K);
        struct moe_routing_language *p = language_of(&r, E, K);
        ck_ok(moe_ctx_err(ctx), collect_create(ctx, &c, N, L, E, K));
        collect_stream(c, &s, p, 0);
        compare(&s, p);
        collect_destroy(&c);
        collect_destroy(&c);
        moe_routing_free(&r);
        stream_free(&s);
    }
}
END_TEST

START_TEST(twice_gives_the_same_bits)
{
    struct moe_ctx *ctx = support_ctx();
    struct stream s;
    struct collect *c;
    struct moe_routing a, b;
    stream_make(&s, ctx, 100, 64, 8);
    ck_ok(moe_ctx_err(ctx), collect_create(ctx, &c, 100, L, 64, 8));
    struct moe_routing_language *p = language_of(&a, 64, 8);
    struct moe_routing_language *q = language_of(&b, 64, 8);
    collect_stream(c, &s, p, 0);
    collect_stream(c, &s, q, 0);
    ck_assert_mem_eq(p->count, q->count, L * 64 * sizeof *p->count);
    ck_assert_mem_eq(p->pooled, q->pooled, L * 64 * sizeof *p->pooled);
    ck_assert_mem_eq(p->by_document, q->by_document,
                     L * 64 * sizeof *p->by_document);
    collect_destroy(&c);
    moe_routing_free(&a);
    moe_routing_free(&b);
    stream_free(&s);
}
END_TEST

START_TEST(padding_is_not_counted)
{
    struct moe_ctx *ctx = support_ctx();
    struct stream s;
    struct collect *c;
    struct moe_routing r;
    stream_make(&s, ctx, 131, 8, 2);
    ck_ok(moe_ctx_err(ctx), collect_create(ctx, &c, 131, L, 8, 2));
    struct moe_routing_language *p = language_of(&r, 8, 2);
    collect_stream(c, &s, p, 40);
    ck_assert_uint_eq(p->tokens, 2 * 91);
    int64_t count[8];
    double sum[8], first[8], gate[8];
    ref_collect(count, first, gate, s.probs, s.idx, s.weight, 0, 91, 8, 2);
    ref_collect(count, sum, gate, s.probs, s.idx, s.weight, 131, 222, 8, 2);
    for (int e = 0; e < 8; e++)
        ck_assert_double_eq_tol(p->pooled[e], first[e] + sum[e], 1e-4);

    // A batch of padding only.
    ck_ok(moe_ctx_err(ctx), collect_begin(c, NULL, 0));
    ck_ok(moe_ctx_err(ctx), pass(c, &s, 0, 131));
    ck_ok(moe_ctx_err(ctx), collect_end(c, p));
    ck_assert_uint_eq(p->tokens, 2 * 91);
    collect_destroy(&c);
    moe_routing_free(&r);
    stream_free(&s);
}
END_TEST

/* What was seen of the documents, one after another. */
struct seen {
    const struct stream *s;
    int64_t row; // of the stream
    uint64_t documents;
};

static void
see_document(void *arg, uint64_t document, uint64_t tokens,
             const uint64_t *count, const double *sum)
{
    struct seen *x = arg;
    const struct stream *s = x->s;
    int64_t want[256];
    double total[256], gate[256];
    ck_assert_uint_eq(document, x->documents++);
    for (int64_t l = 0; l < L; l++) {
        ref_collect(want, total, gate, s->probs + l * ROWS * s->E,
                    s->idx + l * ROWS * s->K, s->weight + l * ROWS * s->K,
                    x->row, x->row + (int64_t)tokens, s->E, s->K);
        for (int64_t e = 0; e < s->E; e++) {
            ck_assert_uint_eq(count[l * s->E + e], (uint64_t)want[e]);
            ck_assert_double_eq_tol(sum[l * s->E + e], total[e], 1e-4);
        }
    }
    x->row += (int64_t)tokens;
}

START_TEST(each_document_is_shown)
{
    struct moe_ctx *ctx = support_ctx();
    struct stream s;
    struct collect *c;
    struct moe_routing r;
    stream_make(&s, ctx, 47, 16, 3); // documents go on in the next batch
    ck_ok(moe_ctx_err(ctx), collect_create(ctx, &c, 47, L, 16, 3));
    struct moe_routing_language *p = language_of(&r, 16, 3);
    struct seen x = {.s = &s};
    collect_each_document(c, see_document, &x);
    collect_stream(c, &s, p, 0);
    ck_assert_int_eq(x.row, ROWS);
    ck_assert_uint_eq(x.documents, p->documents);
    collect_destroy(&c);
    moe_routing_free(&r);
    stream_free(&s);
}
END_TEST

START_TEST(segments_must_lie_in_the_batch)
{
    struct moe_ctx *ctx = support_ctx();
    struct collect *c;
    ck_ok(moe_ctx_err(ctx), collect_create(ctx, &c, 10, L, 4, 2));
    static const struct collect_segment bad[] = {
        {-1, 3, 0}, {3, 3, 0}, {4, 3, 0}, {0, 11, 0}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_fails(moe_ctx_err(ctx), collect_begin(c, &bad[i], 1), MOE_EINVAL,
                 "batch of 10");
    collect_destroy(&c);
}
END_TEST

/* A NaN logit makes index -1 and NaN probabilities: neither is added. */
START_TEST(a_router_that_is_not_finite_is_an_error)
{
    struct moe_ctx *ctx = support_ctx();
    struct stream s;
    struct collect *c;
    struct moe_routing r;
    struct collect_segment all = {0, 20, 0};
    stream_make(&s, ctx, 20, 4, 2);
    ck_ok(moe_ctx_err(ctx), collect_create(ctx, &c, 20, L, 4, 2));
    struct moe_routing_language *p = language_of(&r, 4, 2);
    for (int what = 0; what < 2; what++) {
        const float nan = NAN;
        const int32_t none = -1;
        const uint64_t row = 1 * ROWS + 17; // of layer 1
        if (what)
            ck_ok(moe_ctx_err(ctx),
                  buffer_write(s.d_idx.buf, row * 2 * 4, &none, 4));
        else
            ck_ok(moe_ctx_err(ctx),
                  buffer_write(s.d_probs.buf, row * 4 * 4, &nan, 4));
        ck_ok(moe_ctx_err(ctx), collect_begin(c, &all, 1));
        ck_ok(moe_ctx_err(ctx), pass(c, &s, 0, 20));
        ck_fails(moe_ctx_err(ctx), collect_end(c, p), MOE_ENUMERIC, "layer 1");
        ck_ok(moe_ctx_err(ctx), tensor_write(&s.d_probs, s.probs));
    }
    ck_assert_uint_eq(p->tokens, 0);
    ck_assert_uint_eq(p->count[0], 0);
    collect_destroy(&c);
    moe_routing_free(&r);
    stream_free(&s);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("collect");
    TCase *t = tcase_create("collect");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, counts_as_the_reference);
    tcase_add_test(t, twice_gives_the_same_bits);
    tcase_add_test(t, padding_is_not_counted);
    tcase_add_test(t, each_document_is_shown);
    tcase_add_test(t, segments_must_lie_in_the_batch);
    tcase_add_test(t, a_router_that_is_not_finite_is_an_error);
    suite_add_tcase(s, t);
    return support_main(s, 1);
}
