/*
 * check_blas.c - CLBlast in row-major clothes.
 *
 * Precondition: A, B, C of normal numbers in buffers whose other elements are
 * marked.  Claim: C equals the product in double to 1e-5 of the sum of the
 * absolute terms, for every transpose, offset and stride, and nothing outside
 * of C is touched.
 */
#include "config.h"

#include "tests/support.h"

#include <math.h>
#include <stdlib.h>

#include "device/blas.h"

struct matrix {
    struct tensor t;
    float *host; // the whole buffer
    int64_t rows, cols, ld, size;
};

static struct matrix
make(struct moe_ctx *ctx, int64_t rows, int64_t cols, int64_t pad,
     uint64_t offset, uint64_t seed)
{
    struct matrix x = {.rows = rows, .cols = cols, .ld = cols + pad};
    x.size = (int64_t)offset + rows * x.ld + 5;
    x.host = malloc((size_t)x.size * sizeof *x.host);
    support_normal(x.host, (size_t)x.size, seed, 1.0);
    x.t = tensor_shape(DTYPE_F32, 1, &x.size);
    ck_ok(moe_ctx_err(ctx), tensor_create(ctx, &x.t, "matrix"));
    ck_ok(moe_ctx_err(ctx), tensor_write(&x.t, x.host));
    x.t.offset = offset;
    return x;
}

static double
at(const struct matrix *x, bool t, int64_t i, int64_t j)
{
    int64_t row = t ? j : i, col = t ? i : j;
    return x->host[(int64_t)x->t.offset + row * x->ld + col];
}

static void
drop(struct matrix *x)
{
    buffer_destroy(&x->t.buf);
    free(x->host);
}

/* Compare the whole buffer of C, padding included. */
static void
compare(const struct blas_gemm *g, const struct matrix *c,
        const struct matrix *a, const struct matrix *b)
{
    struct tensor whole = c->t;
    float *got = malloc((size_t)c->size * sizeof *got);
    whole.offset = 0;
    ck_ok(&(struct moe_err){0}, tensor_read(&whole, got));
    for (int64_t p = 0; p < c->size; p++) {
        int64_t q = p - (int64_t)c->t.offset, i = q / c->ld, j = q % c->ld;
        double want = c->host[p], room = 0;
        if (q >= 0 && i < g->m && j < g->n) {
            want = g->beta == 0 ? 0 : g->beta * want;
            room = fabs(want);
            for (int64_t k = 0; k < g->k; k++) {
                double term = at(a, g->ta, i, k) * at(b, g->tb, k, j);
                want += term;
                room += fabs(term);
            }
        }
        ck_assert_msg(fabs(got[p] - want) <= 1e-5 * room,
                      "C[%lld]: got %.9g, want %.9g", (long long)p, got[p],
                      want);
    }
    free(got);
}

static void
run(int64_t m, int64_t n, int64_t k, bool ta, bool tb, float beta, int64_t pad,
    uint64_t offset)
{
    struct moe_ctx *ctx = support_ctx();
    struct matrix c = make(ctx, m, n, pad, offset, 1);
    struct matrix a = make(ctx, ta ? k : m, ta ? m : k, pad, offset + 1, 2);
    struct matrix b = make(ctx, tb ? n : k, tb ? k : n, pad, offset + 2, 3);
    struct blas_gemm g = {.ta = ta,
                          .tb = tb,
                          .m = m,
                          .n = n,
                          .k = k,
                          .c = c.t,
                          .a = a.t,
                          .b = b.t,
                          .ldc = c.ld,
                          .lda = a.ld,
                          .ldb = b.ld,
                          .beta = beta};
    ck_ok(moe_ctx_err(ctx), blas_sgemm(ctx, &g));
    compare(&g, &c, &a, &b);
    drop(&c);
    drop(&a);
    drop(&b);
}

static const int64_t sizes[][3] = {
    {1, 1, 1}, {1, 65, 37}, {64, 64, 64}, {63, 65, 129}, {8, 211, 100},
};

START_TEST(products_agree)
{
    const int64_t *s = sizes[_i];
    for (int t = 0; t < 4; t++) {
        run(s[0], s[1], s[2], t & 1, t & 2, 0.0f, 0, 0);
        run(s[0], s[1], s[2], t & 1, t & 2, 1.0f, 3, 7);
    }
    run(s[0], s[1], s[2], false, true, -0.5f, 0, 2);
}
END_TEST

START_TEST(empty_products)
{
    run(5, 7, 0, false, true, 0.0f, 2, 3);
    run(5, 7, 0, false, true, 1.0f, 2, 3);
    run(5, 7, 0, true, false, 2.0f, 2, 3);
    run(0, 7, 3, false, false, 0.0f, 1, 0);
    run(5, 0, 3, false, false, 0.0f, 1, 0);
}
END_TEST

/* beta = 0 must not read C: it may be fresh memory full of NaN. */
START_TEST(nan_in_c_is_overwritten)
{
    struct moe_ctx *ctx = support_ctx();
    struct matrix c = make(ctx, 33, 65, 0, 0, 1),
                  a = make(ctx, 33, 17, 0, 0, 2);
    struct matrix b = make(ctx, 65, 17, 0, 0, 3);
    for (int64_t i = 0; i < 33 * 65; i++)
        c.host[i] = NAN;
    ck_ok(moe_ctx_err(ctx), tensor_write(&c.t, c.host));
    struct blas_gemm g = {
        .tb = true, .m = 33, .n = 65, .k = 17, .c = c.t, .a = a.t, .b = b.t};
    ck_ok(moe_ctx_err(ctx), blas_sgemm(ctx, &g));
    compare(&g, &c, &a, &b);
    drop(&c);
    drop(&a);
    drop(&b);
}
END_TEST

START_TEST(what_clblast_cannot_do)
{
    struct moe_ctx *ctx = support_ctx();
    struct moe_err *err = moe_ctx_err(ctx);
    struct matrix c = make(ctx, 4, 4, 0, 0, 1);
    struct blas_gemm g = {.m = 4, .n = 4, .k = 4, .c = c.t, .a = c.t, .b = c.t};
    ck_assert(blas_takes(&g));
    g.b.offset = INT32_MAX - 14;
    ck_fails(err, blas_sgemm(ctx, &g), MOE_EINVAL, "2^31");
    g.b.offset = 100; // fits in 31 bits, but not in the buffer
    ck_fails(err, blas_sgemm(ctx, &g), MOE_EBLAS, "B ends beyond its buffer");
    g.b = c.t;
    g.lda = 3;
    ck_fails(err, blas_sgemm(ctx, &g), MOE_EINVAL, "strides");
    g.lda = 0;
    g.a.dtype = DTYPE_BF16;
    ck_fails(err, blas_sgemm(ctx, &g), MOE_EINVAL, "f32");
    g.a.dtype = DTYPE_F32;
    g.m = INT64_C(1) << 40;
    ck_assert(!blas_takes(&g));
    drop(&c);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("blas");
    TCase *t = tcase_create("blas");
    tcase_set_timeout(t, 300); // CLBlast compiles many kernels
    tcase_add_loop_test(t, products_agree, 0, 5);
    tcase_add_test(t, empty_products);
    tcase_add_test(t, nan_in_c_is_overwritten);
    tcase_add_test(t, what_clblast_cannot_do);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return support_main(suite(), 1);
}
