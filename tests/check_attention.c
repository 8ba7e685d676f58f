/*
 * check_attention.c - causal attention and its gradients against their
 * reference.
 *
 * Precondition: an OpenCL device.  Claim: every version that the device can
 * run agrees with the reference for lengths below, at and above its blocks,
 * head sizes of any even number and grouped heads; scores of +-1e4 and -inf
 * give finite rows and gradients, a NaN stays in the rows that see it; the
 * reference's gradient is the derivative of its forward pass; two runs give the
 * same bits.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/tensors.h"

#include <math.h>
#include <stdlib.h>

#include "nn/nn.h"

#define OK(call)  ck_ok(moe_ctx_err(support_ctx()), (call))
#define LENGTH(a) (sizeof(a) / sizeof *(a))

struct sample {
    int64_t B, T, H, G, S;
    float *q, *k, *v;
};

static struct sample
sample_make(int64_t B, int64_t T, int64_t H, int64_t G, int64_t S, double scale)
{
    struct sample s = {B, T, H, G, S, NULL, NULL, NULL};
    size_t nq = (size_t)(B * T * H * S), nk = (size_t)(B * T * G * S);
    s.q = support_alloc(nq, sizeof *s.q);
    s.k = support_alloc(nk, sizeof *s.k);
    s.v = support_alloc(nk, sizeof *s.v);
    support_normal(s.q, nq, 1, scale);
    support_normal(s.k, nk, 2, scale);
    support_normal(s.v, nk, 3, 1.0);
    return s;
}

static void
compare(const struct sample *s, double tol)
{
    int64_t B = s->B, T = s->T, H = s->H, G = s->G, S = s->S;
    double *out = support_alloc((size_t)(B * T * H * S), sizeof *out);
    double *lse = support_alloc((size_t)(B * H * T), sizeof *lse);
    struct tensor tq = support_tensor("q", DTYPE_F32, SHAPE(B, T, H, S), s->q);
    struct tensor tk = support_tensor("k", DTYPE_F32, SHAPE(B, T, G, S), s->k);
    struct tensor tv = support_tensor("v", DTYPE_F32, SHAPE(B, T, G, S), s->v);
    struct tensor to[2], tl[2];
    ref_attention_forward(out, lse, s->q, s->k, s->v, B, T, H, G, S);
    for (int i = 0; i < 2; i++) {
        to[i] = support_tensor("out", DTYPE_F32, SHAPE(B, T, H, S), NULL);
        tl[i] = support_tensor("lse", DTYPE_F32, SHAPE(B, H, T), NULL);
        OK(attention_forward(support_ctx(), &to[i], &tl[i], &tq, &tk, &tv, B, T,
                             H, G, S));
    }
    support_close_tensor(&to[0], out, tol, tol);
    support_close_tensor(&tl[0], lse, tol, tol);
    support_same(&to[0], &to[1]);
    support_same(&tl[0], &tl[1]);
}

struct gradients {
    struct tensor dq, dk, dv;
};

/* Forward, then backward into tensors that held NaN. */
static struct gradients
run_backward(const struct sample *s, const struct tensor *dout)
{
    int64_t B = s->B, T = s->T, H = s->H, G = s->G, S = s->S;
    struct gradients g = {
        support_tensor("dq", DTYPE_F32, SHAPE(B, T, H, S), NULL),
        support_tensor("dk", DTYPE_F32, SHAPE(B, T, G, S), NULL),
        support_tensor("dv", DTYPE_F32, SHAPE(B, T, G, S), NULL)};
    struct tensor q = support_tensor("q", DTYPE_F32, SHAPE(B, T, H, S), s->q);
    struct tensor k = support_tensor("k", DTYPE_F32, SHAPE(B, T, G, S), s->k);
    struct tensor v = support_tensor("v", DTYPE_F32, SHAPE(B, T, G, S), s->v);
    struct tensor out =
        support_tensor("out", DTYPE_F32, SHAPE(B, T, H, S), NULL);
    struct tensor lse = support_tensor("lse", DTYPE_F32, SHAPE(B, H, T), NULL);
    struct tensor delta =
        support_tensor("delta", DTYPE_F32, SHAPE(B, H, T), NULL);
    OK(attention_forward(support_ctx(), &out, &lse, &q, &k, &v, B, T, H, G, S));
    OK(attention_backward(support_ctx(), &g.dq, &g.dk, &g.dv, &delta, dout,
                          &out, &q, &k, &v, &lse, B, T, H, G, S));
    return g;
}

static void
compare_backward(const struct sample *s, double tol)
{
    int64_t B = s->B, T = s->T, H = s->H, G = s->G, S = s->S;
    size_t nq = (size_t)(B * T * H * S), nk = (size_t)(B * T * G * S);
    float *dout = support_alloc(nq, sizeof *dout);
    double *out = support_alloc(nq, sizeof *out);
    double *lse = support_alloc((size_t)(B * H * T), sizeof *lse);
    double *dq = support_alloc(nq, sizeof *dq);
    double *dk = support_alloc(nk, sizeof *dk);
    double *dv = support_alloc(nk, sizeof *dv);
    struct tensor td =
        support_random("dout", DTYPE_F32, SHAPE(B, T, H, S), 4, 1.0, dout);
    ref_attention_forward(out, lse, s->q, s->k, s->v, B, T, H, G, S);
    ref_attention_backward(dq, dk, dv, dout, out, s->q, s->k, s->v, lse, B, T,
                           H, G, S);
    struct gradients g = run_backward(s, &td), again = run_backward(s, &td);
    support_close_tensor(&g.dq, dq, tol, tol);
    support_close_tensor(&g.dk, dk, tol, tol);
    support_close_tensor(&g.dv, dv, tol, tol);
    support_same(&g.dq, &again.dq);
    support_same(&g.dk, &again.dk);
    support_same(&g.dv, &again.dv);
}

/* Each version of fn in turn. */
static void
each(void fn(const struct sample *, double), const struct sample *s, double tol)
{
    setenv("POLYMOE_ATTENTION", "plain", 1);
    fn(s, tol);
    unsetenv("POLYMOE_ATTENTION");
    if (attention_tile_rows(support_ctx(), s->S) > 1)
        fn(s, tol);
}

/* Rows of the tests of single rows, above one block of each kernel. */
static int64_t
rows(void)
{
    return support_quick() ? 37 : 70;
}

static void
compare_all(const struct sample *s, double tol)
{
    each(compare, s, tol);
    support_free();
}

static void
compare_both_ways(const struct sample *s)
{
    each(compare, s, 2e-5);
    each(compare_backward, s, 5e-5);
    support_free();
}

START_TEST(agrees_for_every_length)
{
    static const int64_t T[] = {1, 2, 15, 16, 17, 31, 33, 63, 64, 65, 131};
    for (size_t i = 0; i < LENGTH(T); i++) {
        if (support_quick() && T[i] % 16 != 1)
            continue;
        struct sample s = support_quick() ? sample_make(1, T[i], 2, 2, 4, 1.0)
                                          : sample_make(2, T[i], 2, 2, 16, 1.0);
        compare_both_ways(&s);
    }
    if (!support_quick()) {
        struct sample s = sample_make(1, 1031, 1, 1, 8, 1.0);
        compare_both_ways(&s);
    }
}
END_TEST

START_TEST(agrees_for_every_head_size)
{
    static const int64_t S[] = {2, 4, 6, 10, 14, 64, 66, 80, 128};
    for (size_t i = 0; i < LENGTH(S); i++) {
        if (support_quick() && S[i] > 14 && S[i] != 66)
            continue;
        struct sample s =
            sample_make(1, support_quick() ? 18 : 37, 2, 1, S[i], 1.0);
        compare_both_ways(&s);
    }
}
END_TEST

START_TEST(heads_share_keys_in_groups)
{
    static const int64_t heads[][2] = {{1, 1}, {4, 2}, {6, 2}, {5, 1}};
    for (size_t i = 0; i < LENGTH(heads); i++) {
        struct sample s = sample_make(support_quick() ? 1 : 3, 21, heads[i][0],
                                      heads[i][1], 8, 1.0);
        compare_both_ways(&s);
    }
}
END_TEST

/* Scores of about +-1e4: a row is one key, or a few that nearly tie. */
static struct sample
large_scores(void)
{
    struct sample s = sample_make(1, rows(), 2, 2, 16, 1.0);
    for (int64_t i = 0; i < rows() * 2 * 16; i++) {
        s.q[i] = 100.0f;
        s.k[i] = i / 32 % 2 ? 25.0f : -25.0f;
    }
    return s;
}

/* The error of a score grows with it, and moves the weights as much. */
START_TEST(large_scores_stay_finite)
{
    struct sample s = large_scores();
    compare_all(&s, 2e-5);
}
END_TEST

/* Scores of about +-100, so that a row has one key or a few: log-sum-exp in f32
 * is known to 1e-5 of a weight. */
START_TEST(gradients_of_sharp_rows_agree)
{
    struct sample s =
        sample_make(support_quick() ? 1 : 2, rows(), 4, 2, 16, 5.0);
    each(compare_backward, &s, 5e-4);
}
END_TEST

START_TEST(large_scores_have_finite_gradients)
{
    struct sample s = large_scores();
    const int64_t n = rows() * 2 * 16;
    struct tensor dout = support_random("dout", DTYPE_F32,
                                        SHAPE(1, rows(), 2, 16), 4, 1.0, NULL);
    struct gradients g = run_backward(&s, &dout);
    float *got = support_alloc((size_t)n, sizeof *got);
    const struct tensor *each_of[] = {&g.dq, &g.dk, &g.dv};
    for (size_t i = 0; i < LENGTH(each_of); i++) {
        support_read(each_of[i], got);
        for (int64_t k = 0; k < n; k++)
            ck_assert(isfinite(got[k]));
    }
}
END_TEST

/* sum dout out, a function of q, k and v. */
struct forward {
    struct sample s;
    float *dout;
    double *out, *lse;
};

static double
value(void *arg)
{
    const struct forward *f = arg;
    const struct sample *s = &f->s;
    double sum = 0;
    ref_attention_forward(f->out, f->lse, s->q, s->k, s->v, s->B, s->T, s->H,
                          s->G, s->S);
    for (int64_t i = 0; i < s->B * s->T * s->H * s->S; i++)
        sum += (double)f->dout[i] * f->out[i];
    return sum;
}

static void
check_derivative(struct forward *f, float *x, const double *dx, int n)
{
    float *to = support_alloc((size_t)n, sizeof *to);
    double along = 0;
    support_lattice(to, (size_t)n, 9, 0.5);
    for (int i = 0; i < n; i++)
        along += dx[i] * (double)to[i];
    ck_assert_double_eq_tol(support_derivative(value, f, x, to, (size_t)n),
                            along, 1e-7);
}

START_TEST(reference_is_the_derivative)
{
    enum { B = 2, T = 7, H = 4, G = 2, S = 6 };
    enum { QUERY = B * T * H * S, KEY = B * T * G * S };
    static float q[QUERY], k[KEY], v[KEY], dout[QUERY];
    static double out[QUERY], lse[B * H * T], dq[QUERY], dk[KEY], dv[KEY];
    struct forward f = {{B, T, H, G, S, q, k, v}, dout, out, lse};
    support_lattice(q, QUERY, 1, 1.0);
    support_lattice(k, KEY, 2, 1.0);
    support_lattice(v, KEY, 3, 1.0);
    support_normal(dout, QUERY, 4, 1.0);
    value(&f); // out, lse
    ref_attention_backward(dq, dk, dv, dout, out, q, k, v, lse, B, T, H, G, S);
    check_derivative(&f, q, dq, QUERY);
    check_derivative(&f, k, dk, KEY);
    check_derivative(&f, v, dv, KEY);
}
END_TEST

START_TEST(row_without_any_key_is_zero)
{
    const int64_t n = rows();
    struct sample s = sample_make(1, n, 1, 1, 2, 1.0);
    for (int64_t i = 0; i < n; i++) {
        s.q[2 * i] = 1.0f;
        s.q[2 * i + 1] = 0.5f;
        s.k[2 * i] = i + 2 < n ? -INFINITY : 1.0f; // every score but two
    }
    compare_all(&s, 2e-5);
}
END_TEST

START_TEST(nan_shows_from_its_key_on)
{
    struct sample s = sample_make(1, rows(), 1, 1, 4, 1.0);
    s.k[4 * (rows() - 4)] = NAN;
    compare_all(&s, 2e-5);
}
END_TEST

/* Zero times NaN is NaN: rows that do not see a key must not touch its
 * value, wherever in a block of rows it lies. */
START_TEST(a_bad_value_reaches_no_earlier_row)
{
    const int64_t last = rows() - 1, at[] = {1, 16, last, 7, 15, 33};
    for (size_t i = 0; i < (support_quick() ? 3 : LENGTH(at)); i++) {
        struct sample s = sample_make(1, last + 1, 2, 1, 6, 1.0);
        s.v[6 * at[i] + 5] = NAN;
        s.v[6 * last + 2] = INFINITY;
        compare_all(&s, 2e-5);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("attention");
    TCase *tc = tcase_create("both ways");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, NULL, support_free);
    tcase_add_test(tc, agrees_for_every_length);
    tcase_add_test(tc, agrees_for_every_head_size);
    tcase_add_test(tc, heads_share_keys_in_groups);
    tcase_add_test(tc, large_scores_stay_finite);
    tcase_add_test(tc, gradients_of_sharp_rows_agree);
    tcase_add_test(tc, large_scores_have_finite_gradients);
    tcase_add_test(tc, reference_is_the_derivative);
    tcase_add_test(tc, row_without_any_key_is_zero);
    tcase_add_test(tc, nan_shows_from_its_key_on);
    tcase_add_test(tc, a_bad_value_reaches_no_earlier_row);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
