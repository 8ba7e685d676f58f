/*
 * check_gemm.c - every provider of products against the reference.
 *
 * Precondition: an OpenCL device.  Claim: C agrees with the product in double
 * to the rounding of its sums, for every provider that takes it, operation,
 * type of B, stride and offset, sizes below, at and above every tile, with a
 * bias and added to what C holds; what lies between the rows of C stays; two
 * runs give the same bits.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/tensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "device/gemm.h"

struct sample {
    struct gemm g;
    int64_t a_rows, b_rows, ldc, lda, ldb;
    float *a, *b, *c, *bias;
    double *want;
};

static float *
floats(int64_t n)
{
    float *x = malloc((size_t)(n + 1) * sizeof *x);
    ck_assert_ptr_nonnull(x);
    return x;
}

/* Operands `pad` wider than they need to be. */
static void
make(struct sample *s, enum gemm_op op, enum dtype type, int64_t m, int64_t n,
     int64_t k, int64_t pad, bool bias, bool accumulate)
{
    bool tn = op == GEMM_TN, nt = op == GEMM_NT;
    *s = (struct sample){.a_rows = tn ? k : m,
                         .b_rows = nt ? n : k,
                         .ldc = n + pad,
                         .lda = (tn ? m : k) + pad,
                         .ldb = (nt ? k : n) + pad};
    s->a = floats(s->a_rows * s->lda);
    s->b = floats(s->b_rows * s->ldb);
    s->c = floats(m * s->ldc);
    s->bias = floats(n);
    s->want = malloc((size_t)(m * s->ldc + 1) * sizeof *s->want);
    s->g = (struct gemm){
        .op = op,
        .m = m,
        .n = n,
        .k = k,
        .c = support_tensor("C", DTYPE_F32, SHAPE(m, s->ldc), NULL),
        .a = support_random("A", DTYPE_F32, SHAPE(s->a_rows, s->lda), 1, 1.0,
                            s->a),
        .b = support_random("B", type, SHAPE(s->b_rows, s->ldb), 2, 1.0, s->b),
        .ldc = pad ? s->ldc : 0,
        .lda = pad ? s->lda : 0,
        .ldb = pad ? s->ldb : 0,
        .accumulate = accumulate,
    };
    struct tensor t =
        support_random("bias", DTYPE_F32, SHAPE(n), 3, 1.0, s->bias);
    if (bias)
        s->g.bias = t;
}

static void
drop(struct sample *s)
{
    free(s->a);
    free(s->b);
    free(s->c);
    free(s->bias);
    free(s->want);
    support_free();
}

/* C before the product: numbers when they matter, else NaN between which the
 * product must not read. */
static void
fill(struct sample *s)
{
    int64_t size = s->g.m * s->ldc;
    support_normal(s->c, (size_t)size, 4, 1.0);
    for (int64_t i = 0; i < size; i++) {
        bool inside = i % s->ldc < s->g.n;
        s->want[i] = s->c[i];
        if (inside && !s->g.accumulate)
            s->c[i] = NAN;
    }
    ck_ok(moe_ctx_err(support_ctx()), tensor_write(&s->g.c, s->c));
}

static void
run(struct sample *s, enum gemm_provider p)
{
    fill(s);
    ck_ok(moe_ctx_err(support_ctx()), gemm_run_with(support_ctx(), p, &s->g));
}

static void
compare_with(struct sample *s, enum gemm_provider p)
{
    const struct gemm *g = &s->g;
    size_t bytes = (size_t)(g->m * s->ldc) * sizeof(float);
    float *first = floats(g->m * s->ldc);
    run(s, p);
    support_read(&g->c, first);
    ref_gemm(s->want, s->a, s->b, g->bias.buf ? s->bias : NULL, (int)g->op,
             g->m, g->n, g->k, s->ldc, s->lda, s->ldb, g->accumulate);
    support_close_tensor(&g->c, s->want, 4e-7 * (double)(g->k + 4), 1e-5);
    run(s, p);
    support_read(&g->c, s->c);
    ck_assert_mem_eq(first, s->c, bytes);
    free(first);
}

/* One product by every provider. */
static void
compare(enum gemm_op op, enum dtype type, int64_t m, int64_t n, int64_t k,
        int64_t pad, bool bias, bool accumulate)
{
    struct sample s;
    make(&s, op, type, m, n, k, pad, bias, accumulate);
    for (enum gemm_provider p = 0; p < GEMM_PROVIDERS; p++)
        if (gemm_provider_takes(support_ctx(), p, &s.g))
            compare_with(&s, p);
    drop(&s);
}

static const enum gemm_op ops[] = {GEMM_NT, GEMM_NN, GEMM_TN};
static const enum dtype types[] = {DTYPE_F32, DTYPE_BF16, DTYPE_F16};

START_TEST(agrees_for_every_size)
{
    static const int64_t sizes[] = {1, 7, 63, 64, 65, 131};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    int step = support_quick() ? 5 : 1;
    for (int i = 0; i < SIZES * SIZES; i += step) {
        int64_t m = sizes[i % SIZES], n = sizes[i / SIZES];
        compare(ops[i % 3], types[i / 3 % 3], m, n, sizes[(i + 2) % SIZES],
                i % 2 * 3, i % 5 == 1, i % 7 == 2);
    }
}
END_TEST

START_TEST(agrees_for_every_kind)
{
    for (int i = 0; i < 36; i += support_quick() ? 7 : 1)
        compare(ops[i % 3], types[i / 3 % 3], support_quick() ? 5 : 37, 41, 53,
                5, i / 9 % 2, i / 18 % 2);
}
END_TEST

/* Few rows, and rows and depths above what a block holds. */
START_TEST(agrees_beyond_a_block)
{
    if (support_quick())
        return;
    for (int i = 0; i < 9; i++) {
        compare(ops[i % 3], types[i / 3], 211, 67, 1049, 0, false, i == 0);
        compare(ops[i % 3], types[i / 3], 5, 131, 523, 0, true, false);
    }
    compare(GEMM_NT, DTYPE_F32, 401, 130, 512, 0, true, true);
}
END_TEST

/* Weights of 16 bits are widened for CLBlast piece by piece. */
START_TEST(agrees_above_a_piece)
{
    if (support_quick())
        return;
    compare(GEMM_NT, DTYPE_BF16, 2, 8209, 2053, 0, false, false);
    compare(GEMM_NN, DTYPE_BF16, 2, 2053, 8209, 0, true, false);
}
END_TEST

/* Many terms, in sums of sums: closer than one accumulator comes. */
START_TEST(long_sums_keep_their_digits)
{
    for (int i = 0; i < 6; i += support_quick() ? 4 : 1) {
        struct sample s;
        int64_t k = i < 3 ? 3 * GEMM_TERMS + 17 : 300;
        make(&s, ops[i % 3], types[i % 3], 5, 9, k, 3, i % 2, i % 2);
        fill(&s);
        ck_ok(moe_ctx_err(support_ctx()), gemm_run_long(support_ctx(), &s.g));
        ref_gemm(s.want, s.a, s.b, s.g.bias.buf ? s.bias : NULL, (int)s.g.op, 5,
                 9, k, s.ldc, s.lda, s.ldb, s.g.accumulate);
        support_close_tensor(&s.g.c, s.want, 1e-4, 1e-6);
        drop(&s);
    }
}
END_TEST

START_TEST(takes_sizes_of_zero)
{
    for (int i = 0; i < 3; i++) {
        compare(ops[i], DTYPE_F32, 5, 7, 0, 2, false, false);
        compare(ops[i], DTYPE_F32, 5, 7, 0, 2, true, true);
        compare(ops[i], DTYPE_F32, 0, 7, 3, 0, false, false);
        compare(ops[i], DTYPE_F32, 5, 0, 3, 0, true, false);
    }
}
END_TEST

START_TEST(gemm_run_takes_what_is_forced)
{
    struct sample s;
    make(&s, GEMM_NT, DTYPE_BF16, 9, 10, 11, 0, false, false);
    setenv("POLYMOE_GEMM", "fortran", 1);
    ck_fails(moe_ctx_err(support_ctx()), gemm_run(support_ctx(), &s.g),
             MOE_EINVAL, "'fortran'");
    setenv("POLYMOE_GEMM", "plain", 1);
    ck_ok(moe_ctx_err(support_ctx()), gemm_run(support_ctx(), &s.g));
    unsetenv("POLYMOE_GEMM");
    ck_ok(moe_ctx_err(support_ctx()), gemm_run(support_ctx(), &s.g));
    fill(&s);
    ck_ok(moe_ctx_err(support_ctx()), gemm_run(support_ctx(), &s.g));
    ref_gemm(s.want, s.a, s.b, NULL, GEMM_NT, 9, 10, 11, 10, 11, 11, 0);
    support_close_tensor(&s.g.c, s.want, 1e-5, 1e-5);
    drop(&s);
}
END_TEST

START_TEST(refuses_what_nobody_takes)
{
    struct sample s;
    make(&s, GEMM_NT, DTYPE_F32, 9, 10, 11, 0, false, false);
    struct gemm g = s.g;
    struct moe_err *err = moe_ctx_err(support_ctx());
    g.ldb = 10;
    ck_fails(err, gemm_run(support_ctx(), &g), MOE_EINVAL, "strides");
    g = s.g;
    g.b.dtype = DTYPE_I32;
    ck_fails(err, gemm_run(support_ctx(), &g), MOE_EINVAL, "I32");
    g = s.g;
    g.m = -1;
    ck_fails(err, gemm_run(support_ctx(), &g), MOE_EINVAL, "-1");
    g = s.g;
    g.c.dtype = DTYPE_BF16;
    ck_fails(err, gemm_run(support_ctx(), &g), MOE_EINVAL, "BF16");
    drop(&s);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("gemm");
    TCase *tc = tcase_create("gemm");
    tcase_set_timeout(tc, 600);
    tcase_add_test(tc, agrees_for_every_size);
    tcase_add_test(tc, agrees_for_every_kind);
    tcase_add_test(tc, agrees_beyond_a_block);
    tcase_add_test(tc, agrees_above_a_piece);
    tcase_add_test(tc, long_sums_keep_their_digits);
    tcase_add_test(tc, takes_sizes_of_zero);
    tcase_add_test(tc, gemm_run_takes_what_is_forced);
    tcase_add_test(tc, refuses_what_nobody_takes);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
