/*
 * check_router.c - probabilities, choice and gradients against their
 * reference.
 *
 * Precondition: an OpenCL device.  Claim: the choice equals the reference's,
 * ties going to the lower expert; probabilities and weights agree; a row with
 * NaN or +inf says so and harms no other row; logits of +-1e4 and -inf give
 * finite results; gradients agree with and without renormalisation, balance
 * vector and z-loss, and overwrite; the reference's are the derivative of its
 * loss; two runs give the same bits.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/tensors.h"

#include <math.h>

#include "nn/nn.h"

#define OK(call)  ck_ok(moe_ctx_err(support_ctx()), (call))
#define LENGTH(a) (sizeof(a) / sizeof *(a))

struct sample {
    int64_t N, E, K;
    bool renorm;
    float *logits;
};

static struct sample
sample_make(int64_t N, int64_t E, int64_t K, bool renorm)
{
    struct sample s = {N, E, K, renorm, NULL};
    s.logits = support_alloc((size_t)(N * E), sizeof *s.logits);
    support_normal(s.logits, (size_t)(N * E), 1, 2.0);
    return s;
}

static void
compare(const struct sample *s)
{
    struct moe_ctx *ctx = support_ctx();
    int64_t N = s->N, E = s->E, K = s->K;
    size_t choices = (size_t)(N * K);
    double *p = support_alloc((size_t)(N * E), sizeof *p);
    double *w = support_alloc(choices, sizeof *w);
    int32_t *idx = support_alloc(choices, sizeof *idx);
    int32_t *got = support_alloc(choices, sizeof *got);
    struct tensor tx = support_tensor("x", DTYPE_F32, SHAPE(N, E), s->logits);
    struct tensor tp[2], ti[2], tw[2];
    ref_router_forward(p, idx, w, s->logits, N, E, K, s->renorm);
    for (int i = 0; i < 2; i++) {
        tp[i] = support_tensor("probs", DTYPE_F32, SHAPE(N, E), NULL);
        ti[i] = support_tensor("idx", DTYPE_I32, SHAPE(N, K), NULL);
        tw[i] = support_tensor("weight", DTYPE_F32, SHAPE(N, K), NULL);
        OK(router_forward(ctx, &tp[i], &ti[i], &tw[i], &tx, N, E, K,
                          s->renorm));
    }
    support_close_tensor(&tp[0], p, 1e-6, 1e-6);
    support_close_tensor(&tw[0], w, 1e-6, 1e-6);
    support_read(&ti[0], got);
    for (size_t i = 0; i < choices; i++)
        ck_assert_msg(got[i] == idx[i], "E %d K %d, choice %d: %d, want %d",
                      (int)E, (int)K, (int)i, got[i], idx[i]);
    support_same(&tp[0], &tp[1]);
    support_same(&ti[0], &ti[1]);
    support_same(&tw[0], &tw[1]);
}

/* The gradient, from what the reference gives forward. */
static void
compare_backward(const struct sample *s, bool balanced, double z)
{
    int64_t N = s->N, E = s->E, K = s->K;
    size_t all = (size_t)(N * E), choices = (size_t)(N * K);
    double *p = support_alloc(all, sizeof *p);
    double *w = support_alloc(choices, sizeof *w);
    double *want = support_alloc(all, sizeof *want);
    float *pf = support_alloc(all, sizeof *pf);
    float *wf = support_alloc(choices, sizeof *wf);
    float *dw = support_alloc(choices, sizeof *dw);
    float *balance = support_alloc((size_t)E, sizeof *balance);
    int32_t *idx = support_alloc(choices, sizeof *idx);
    ref_router_forward(p, idx, w, s->logits, N, E, K, s->renorm);
    for (size_t i = 0; i < all; i++)
        pf[i] = (float)p[i];
    for (size_t i = 0; i < choices; i++)
        wf[i] = (float)w[i];
    struct tensor tx = support_tensor("x", DTYPE_F32, SHAPE(N, E), s->logits);
    struct tensor tp = support_tensor("probs", DTYPE_F32, SHAPE(N, E), pf);
    struct tensor tw = support_tensor("weight", DTYPE_F32, SHAPE(N, K), wf);
    struct tensor ti = support_tensor("idx", DTYPE_I32, SHAPE(N, K), idx);
    struct tensor tg =
        support_random("dweight", DTYPE_F32, SHAPE(N, K), 2, 1.0, dw);
    struct tensor tb =
        support_random("balance", DTYPE_F32, SHAPE(E), 3, 0.5, balance);
    struct tensor td[2];
    ref_router_backward(want, dw, balanced ? balance : NULL, s->logits, p, idx,
                        z, N, E, K, s->renorm);
    for (int i = 0; i < 2; i++) {
        td[i] = support_tensor("dlogits", DTYPE_F32, SHAPE(N, E), NULL);
        OK(router_backward(support_ctx(), &td[i], &tg, balanced ? &tb : NULL,
                           &tx, &tp, &ti, &tw, (float)z, N, E, K, s->renorm));
    }
    support_close_tensor(&td[0], want, 1e-6, 1e-5);
    support_same(&td[0], &td[1]);
}

START_TEST(gradients_for_every_shape)
{
    static const int64_t shape[][2] = {{1, 1},   {2, 1},    {5, 5},    {8, 2},
                                       {63, 7},  {64, 8},   {65, 9},   {128, 8},
                                       {131, 1}, {256, 32}, {257, 257}};
    for (size_t i = 0; i < LENGTH(shape); i++)
        for (int mode = 0; mode < 8; mode++) {
            if (support_quick() && shape[i][0] > 65)
                continue;
            struct sample s = sample_make(support_quick() ? 2 : 67, shape[i][0],
                                          shape[i][1], mode & 1);
            compare_backward(&s, mode & 2, mode & 4 ? 0.25 : 0);
            support_free();
        }
}
END_TEST

START_TEST(gradients_of_hard_rows)
{
    enum { N = 5, E = 66 };
    for (int renorm = 0; renorm < 2; renorm++) {
        struct sample s = sample_make(N, E, 8, renorm);
        for (int e = 0; e < E; e++) {
            s.logits[e] = e % 2 ? 100.0f : -1e4f;
            s.logits[E + e] = e == 65 ? 100.0f : 0.0f; // the others underflow
            s.logits[2 * E + e] = e < 60 ? -INFINITY : (float)e;
            s.logits[3 * E + e] = -INFINITY;
        }
        s.logits[4 * E + 5] = NAN;
        compare_backward(&s, true, 1e-3);
        support_free();
    }
}
END_TEST

struct loss {
    float *logits, *dweight;
    const float *balance;
    double *probs, *weight;
    int32_t *idx;
    double z;
    bool renorm;
};

enum { LOSS_N = 7, LOSS_E = 9, LOSS_K = 3 };

static double
loss_value(void *arg)
{
    const struct loss *s = arg;
    return ref_router_loss(s->dweight, s->balance, s->logits, s->probs, s->idx,
                           s->weight, s->z, LOSS_N, LOSS_E, LOSS_K, s->renorm);
}

START_TEST(reference_is_the_derivative)
{
    enum { N = LOSS_N, E = LOSS_E, K = LOSS_K };
    static float x[N * E], to[N * E], dw[N * K], balance[E];
    static double p[N * E], w[N * K], d[N * E];
    static int32_t idx[N * K];
    support_lattice(x, N * E, 10, 2.0);
    support_normal(dw, N * K, 11, 1.0);
    support_normal(balance, E, 12, 1.0);
    for (uint64_t mode = 0; mode < 8; mode++) {
        struct loss s = {x, dw,  mode & 2 ? balance : NULL, p,
                         w, idx, mode & 4 ? 0.25 : 0,       mode & 1};
        double along = 0;
        support_lattice(to, N * E, 20 + mode, 0.25); // no choice may change
        loss_value(&s);
        ref_router_backward(d, dw, s.balance, x, p, idx, s.z, N, E, K,
                            s.renorm);
        for (int i = 0; i < N * E; i++)
            along += d[i] * (double)to[i];
        ck_assert_double_eq_tol(
            support_derivative(loss_value, &s, x, to, N * E), along, 1e-8);
    }
}
END_TEST

START_TEST(chooses_for_every_shape)
{
    static const int64_t shape[][2] = {{1, 1},   {2, 1},    {5, 5},    {8, 2},
                                       {63, 7},  {64, 8},   {65, 9},   {128, 8},
                                       {131, 1}, {256, 32}, {257, 257}};
    for (size_t i = 0; i < LENGTH(shape); i++)
        for (int renorm = 0; renorm < 2; renorm++) {
            if (support_quick() && shape[i][0] > 65)
                continue;
            struct sample s = sample_make(support_quick() ? 2 : 67, shape[i][0],
                                          shape[i][1], renorm);
            compare(&s);
            support_free();
        }
}
END_TEST

START_TEST(ties_go_to_the_lower_expert)
{
    struct sample s = sample_make(4, 70, 8, true);
    for (int64_t e = 0; e < 70; e++) {
        s.logits[e] = 0.25f;                         // all equal
        s.logits[70 + e] = e % 7 == 3 ? 1.0f : 0.0f; // ten equal, best
        s.logits[140 + e] = e == 69 ? 2.0f : -1.0f;  // one, then the rest
        s.logits[210 + e] = e < 64 ? 1.0f : 1.5f;    // six, then two
    }
    compare(&s);
}
END_TEST

START_TEST(extreme_logits_stay_finite)
{
    struct sample s = sample_make(5, 66, 8, true);
    for (int64_t e = 0; e < 66; e++) {
        s.logits[e] = e % 2 ? 1e4f : -1e4f;
        s.logits[66 + e] = e == 65 ? 1e4f : 0.0f; // the others underflow
        s.logits[132 + e] = e < 60 ? -INFINITY : (float)e;
        s.logits[198 + e] = -INFINITY;
        s.logits[264 + e] = e == 7 ? -INFINITY : -1e4f;
    }
    compare(&s);
    s.renorm = false;
    compare(&s);
}
END_TEST

START_TEST(bad_row_is_marked_and_alone)
{
    struct sample s = sample_make(5, 65, 4, true);
    s.logits[65 + 64] = NAN;
    s.logits[3 * 65 + 2] = INFINITY;
    compare(&s);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("router");
    TCase *tc = tcase_create("forward");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, NULL, support_free);
    tcase_add_test(tc, chooses_for_every_shape);
    tcase_add_test(tc, ties_go_to_the_lower_expert);
    tcase_add_test(tc, extreme_logits_stay_finite);
    tcase_add_test(tc, bad_row_is_marked_and_alone);
    suite_add_tcase(suite, tc);
    tc = tcase_create("backward");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, NULL, support_free);
    tcase_add_test(tc, gradients_for_every_shape);
    tcase_add_test(tc, gradients_of_hard_rows);
    tcase_add_test(tc, reference_is_the_derivative);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
