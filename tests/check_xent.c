/*
 * check_xent.c - negative log-likelihoods and their gradients against their
 * reference.
 *
 * Precondition: an OpenCL device.  Claim: every vocabulary size agrees; logits
 * of +-1e4 and -inf, rows of -inf alone and masked targets are finite, and
 * their gradient is zero; a NaN shows in its row only; the reference's gradient
 * is the derivative of its sum; two runs give the same bits.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/tensors.h"

#include <math.h>

#include "nn/nn.h"

#define OK(call)  ck_ok(moe_ctx_err(support_ctx()), (call))
#define LENGTH(a) (sizeof(a) / sizeof *(a))

static const double SCALE = 0.125;

static void
compare_backward(const float *x, const int32_t *target, int64_t N, int64_t V)
{
    double *nll = support_alloc((size_t)N, sizeof *nll);
    double *want = support_alloc((size_t)(N * V), sizeof *want);
    struct tensor tt = support_tensor("target", DTYPE_I32, SHAPE(N), target);
    struct tensor tx[2], ty[2];
    ref_xent_backward(want, nll, x, target, SCALE, N, V);
    for (int i = 0; i < 2; i++) {
        tx[i] = support_tensor("dlogits", DTYPE_F32, SHAPE(N, V), x);
        ty[i] = support_tensor("nll", DTYPE_F32, SHAPE(N), NULL);
        OK(xent_backward(support_ctx(), &tx[i], &ty[i], &tt, (float)SCALE, N,
                         V));
    }
    support_close_tensor(&tx[0], want, 1e-6 * SCALE, 1e-5);
    support_close_tensor(&ty[0], nll, 1e-5, 1e-5);
    support_same(&tx[0], &tx[1]);
    support_same(&ty[0], &ty[1]);
}

static void
compare(const float *x, const int32_t *target, int64_t N, int64_t V)
{
    double *want = support_alloc((size_t)N, sizeof *want);
    struct tensor tx = support_tensor("logits", DTYPE_F32, SHAPE(N, V), x);
    struct tensor tt = support_tensor("target", DTYPE_I32, SHAPE(N), target);
    struct tensor ty[2];
    ref_xent_forward(want, x, target, N, V);
    for (int i = 0; i < 2; i++) {
        ty[i] = support_tensor("nll", DTYPE_F32, SHAPE(N), NULL);
        OK(xent_forward(support_ctx(), &ty[i], &tx, &tt, N, V));
    }
    support_close_tensor(&ty[0], want, 1e-5, 1e-5);
    support_same(&ty[0], &ty[1]);
    compare_backward(x, target, N, V);
}

struct sums {
    int64_t N, V;
    float *x;
    const int32_t *target;
    double *nll;
};

static double
sum_nll(void *arg)
{
    const struct sums *s = arg;
    double sum = 0;
    ref_xent_forward(s->nll, s->x, s->target, s->N, s->V);
    for (int64_t n = 0; n < s->N; n++)
        sum += s->nll[n];
    return sum;
}

START_TEST(reference_is_the_derivative)
{
    enum { N = 5, V = 37, DIRECTIONS = 3 };
    static float x[N * V], to[N * V];
    static double d[N * V], nll[N];
    static const int32_t target[N] = {0, 36, -1, 7, 7};
    struct sums s = {N, V, x, target, nll};
    support_lattice(x, N * V, 1, 2.0);
    ref_xent_backward(d, nll, x, target, SCALE, N, V);
    for (uint64_t r = 0; r < DIRECTIONS; r++) {
        double along = 0;
        support_lattice(to, N * V, 2 + r, 1.0);
        for (int i = 0; i < N * V; i++)
            along += d[i] * (double)to[i] / SCALE;
        ck_assert_double_eq_tol(support_derivative(sum_nll, &s, x, to, N * V),
                                along, 1e-7);
    }
}
END_TEST

START_TEST(agrees_for_every_vocabulary)
{
    static const int64_t V[] = {1, 2, 8, 63, 64, 65, 511, 512, 513, 1031, 5003};
    for (size_t i = 0; i < LENGTH(V); i++) {
        int64_t N = support_quick() ? 2 : 67;
        float *x = support_alloc((size_t)(N * V[i]), sizeof *x);
        int32_t *target = support_integers((size_t)N, 2, V[i]);
        support_normal(x, (size_t)(N * V[i]), i, 3.0);
        target[0] = (int32_t)V[i] - 1;
        target[1] = 0;
        compare(x, target, N, V[i]);
        support_free();
    }
}
END_TEST

START_TEST(hard_rows_stay_finite)
{
    enum { N = 7, V = 101 };
    float *x = support_alloc(N * V, sizeof *x);
    int32_t target[N] = {5, 6, 100, 0, -1, 3, -100};
    support_normal(x, N * V, 1, 1.0);
    for (int v = 0; v < V; v++) {
        x[v] = v % 2 ? 1e4f : -1e4f;                // target among the best
        x[V + v] = v % 2 ? 1e4f : -1e4f;            // 2e4 below the best
        x[2 * V + v] = v < 100 ? -INFINITY : -1e4f; // only one is possible
        x[3 * V + v] = -INFINITY;                   // none is
        x[4 * V + v] = NAN;                         // masked
    }
    compare(x, target, N, V);
    x[5 * V + 100] = NAN;
    compare(x, target, N, V);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("xent");
    TCase *tc = tcase_create("both ways");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, NULL, support_free);
    tcase_add_test(tc, agrees_for_every_vocabulary);
    tcase_add_test(tc, hard_rows_stay_finite);
    tcase_add_test(tc, reference_is_the_derivative);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
