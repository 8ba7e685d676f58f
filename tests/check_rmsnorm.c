/*
 * check_rmsnorm.c - the normalisation and its gradients against their
 * reference.
 *
 * Precondition: an OpenCL device.  Claim: for row lengths below, at and above
 * the group size and its multiple by the vector width, y, r, dx and dw agree
 * with the double reference; dx overwrites or adds, dw adds, or is left alone;
 * in place gives the same; the reference's gradient is the derivative of its
 * forward pass; two runs give the same bits.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/tensors.h"

#include <string.h>

#include "nn/nn.h"

#define OK(call)  ck_ok(moe_ctx_err(support_ctx()), (call))
#define LENGTH(a) (sizeof(a) / sizeof *(a))

static const float eps = 1e-5f;

/* x is s times normal numbers; all rows of s = 0 are zeros. */
static void
compare(int64_t N, int64_t D, double scale)
{
    struct moe_ctx *ctx = support_ctx();
    float *x = support_alloc((size_t)(N * D), sizeof *x);
    float *w = support_alloc((size_t)D, sizeof *w);
    double *y = support_alloc((size_t)(N * D), sizeof *y);
    double *r = support_alloc((size_t)N, sizeof *r);
    struct tensor tx = support_random("x", DTYPE_F32, SHAPE(N, D), 1, scale, x);
    struct tensor tw = support_random("w", DTYPE_F32, SHAPE(D), 2, 1.0, w);
    struct tensor ty = support_tensor("y", DTYPE_F32, SHAPE(N, D), NULL);
    struct tensor tr = support_tensor("r", DTYPE_F32, SHAPE(N), NULL);
    struct tensor again = support_tensor("again", DTYPE_F32, SHAPE(N, D), NULL);

    ref_rmsnorm_forward(y, r, x, w, N, D, (double)eps);
    OK(rmsnorm_forward(ctx, &ty, &tr, &tx, &tw, N, D, eps));
    support_close_tensor(&ty, y, 1e-5, 1e-5);
    support_close_tensor(&tr, r, 0, 1e-5);
    OK(rmsnorm_forward(ctx, &again, &tr, &tx, &tw, N, D, eps));
    support_same(&ty, &again);
    OK(rmsnorm_forward(ctx, &tx, &tr, &tx, &tw, N, D, eps));
    support_same(&ty, &tx);
    support_free();
}

/* One run of the gradients, dx and dw set out with what they must add to. */
struct gradients {
    struct tensor dx, dw;
};

static struct gradients
run_backward(const struct tensor *dy, const struct tensor *x,
             const struct tensor *r, const struct tensor *w, int64_t N,
             int64_t D, bool accumulate)
{
    struct gradients g;
    struct tensor partial =
        support_tensor("partial", DTYPE_F32, SHAPE(NN_PARTS, D), NULL);
    g.dx = accumulate
               ? support_random("dx", DTYPE_F32, SHAPE(N, D), 5, 1.0, NULL)
               : support_tensor("dx", DTYPE_F32, SHAPE(N, D), NULL);
    g.dw = support_random("dw", DTYPE_F32, SHAPE(D), 6, 1.0, NULL);
    OK(rmsnorm_backward(support_ctx(), &g.dx, &g.dw, &partial, dy, x, r, w, N,
                        D, accumulate));
    return g;
}

static void
compare_backward(int64_t N, int64_t D, bool accumulate)
{
    struct moe_ctx *ctx = support_ctx();
    size_t size = (size_t)(N * D);
    float *x = support_alloc(size, sizeof *x);
    float *dy = support_alloc(size, sizeof *dy);
    float *w = support_alloc((size_t)D, sizeof *w);
    float *old = support_alloc(size + (size_t)D, sizeof *old);
    double *y = support_alloc(size, sizeof *y);
    double *r = support_alloc((size_t)N, sizeof *r);
    double *dx = support_alloc(size, sizeof *dx);
    double *dw = support_alloc((size_t)D, sizeof *dw);
    struct tensor tx = support_random("x", DTYPE_F32, SHAPE(N, D), 1, 1.0, x);
    struct tensor tw = support_random("w", DTYPE_F32, SHAPE(D), 2, 1.0, w);
    struct tensor ty = support_random("dy", DTYPE_F32, SHAPE(N, D), 3, 1.0, dy);
    struct tensor out = support_tensor("y", DTYPE_F32, SHAPE(N, D), NULL);
    struct tensor tr = support_tensor("r", DTYPE_F32, SHAPE(N), NULL);

    support_normal(old, size, 5, 1.0);
    support_normal(old + size, (size_t)D, 6, 1.0);
    for (size_t i = 0; i < size; i++)
        dx[i] = (double)old[i];
    for (size_t d = 0; d < (size_t)D; d++)
        dw[d] = (double)old[size + d];
    ref_rmsnorm_forward(y, r, x, w, N, D, (double)eps);
    ref_rmsnorm_backward(dx, dw, dy, x, r, w, N, D, accumulate);
    OK(rmsnorm_forward(ctx, &out, &tr, &tx, &tw, N, D, eps));
    struct gradients g = run_backward(&ty, &tx, &tr, &tw, N, D, accumulate);
    struct gradients again = run_backward(&ty, &tx, &tr, &tw, N, D, accumulate);
    support_close_tensor(&g.dx, dx, 1e-5, 1e-5);
    support_close_tensor(&g.dw, dw, 1e-5, 1e-5);
    support_same(&g.dx, &again.dx);
    support_same(&g.dw, &again.dw);
    // In place, and without a gradient of w.
    if (!accumulate) {
        OK(rmsnorm_backward(ctx, &ty, NULL, NULL, &ty, &tx, &tr, &tw, N, D,
                            false));
        support_same(&g.dx, &ty);
    }
    support_free();
}

/* sum dy y, a function of x and w. */
struct forward {
    int64_t N, D;
    float *x, *w, *dy;
    double *y, *r;
};

static double
value(void *arg)
{
    const struct forward *f = arg;
    double sum = 0;
    ref_rmsnorm_forward(f->y, f->r, f->x, f->w, f->N, f->D, (double)eps);
    for (int64_t i = 0; i < f->N * f->D; i++)
        sum += (double)f->dy[i] * f->y[i];
    return sum;
}

START_TEST(reference_is_the_derivative)
{
    enum { N = 5, D = 37, DIRECTIONS = 3 };
    static float x[N * D], w[D], dy[N * D], to[N * D];
    static double y[N * D], r[N], dx[N * D], dw[D];
    struct forward f = {N, D, x, w, dy, y, r};
    support_lattice(x, N * D, 1, 1.0);
    support_lattice(w, D, 2, 1.0);
    support_normal(dy, N * D, 3, 1.0);
    memset(dw, 0, sizeof dw);
    value(&f); // r
    ref_rmsnorm_backward(dx, dw, dy, x, r, w, N, D, false);
    for (uint64_t i = 0; i < DIRECTIONS; i++) {
        double along_x = 0, along_w = 0;
        support_lattice(to, N * D, 4 + i, 1.0);
        for (int k = 0; k < N * D; k++)
            along_x += dx[k] * (double)to[k];
        for (int d = 0; d < D; d++)
            along_w += dw[d] * (double)to[d];
        ck_assert_double_eq_tol(support_derivative(value, &f, x, to, N * D),
                                along_x, 1e-7);
        ck_assert_double_eq_tol(support_derivative(value, &f, w, to, D),
                                along_w, 1e-7);
    }
}
END_TEST

static const int64_t D[] = {1, 2, 7, 8, 63, 64, 65, 127, 511, 512, 519, 1021};

START_TEST(gradients_agree_for_every_row_length)
{
    for (size_t i = 0; i < LENGTH(D); i++)
        for (int accumulate = 0; accumulate < 2; accumulate++) {
            compare_backward(1, D[i], accumulate);
            if (!support_quick())
                compare_backward(3, D[i], accumulate);
        }
}
END_TEST

/* Numbers of rows below, at and above that of the parts, and many. */
START_TEST(gradients_agree_for_every_number_of_rows)
{
    static const int64_t N[] = {0, NN_PARTS - 1, NN_PARTS, NN_PARTS + 1, 503};
    for (size_t i = 0; i < LENGTH(N); i++)
        if (!support_quick() || N[i] < 500)
            compare_backward(N[i], 21, false);
}
END_TEST

START_TEST(agrees_for_every_row_length)
{
    for (size_t i = 0; i < LENGTH(D); i++) {
        compare(3, D[i], 1.0);
        if (support_quick())
            continue;
        compare(1, D[i], 1.0);
        compare(67, D[i], 1.0);
    }
}
END_TEST

START_TEST(agrees_for_large_small_and_zero_numbers)
{
    compare(5, 131, 1e4);
    compare(5, 131, 1e-4); // eps weighs as much as the mean square
    compare(5, 131, 0);
}
END_TEST

START_TEST(no_rows_is_fine)
{
    compare(0, 8, 1.0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("rmsnorm");
    TCase *tc = tcase_create("forward");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, NULL, support_free);
    tcase_add_test(tc, agrees_for_every_row_length);
    tcase_add_test(tc, agrees_for_large_small_and_zero_numbers);
    tcase_add_test(tc, no_rows_is_fine);
    suite_add_tcase(suite, tc);
    tc = tcase_create("backward");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, NULL, support_free);
    tcase_add_test(tc, reference_is_the_derivative);
    tcase_add_test(tc, gradients_agree_for_every_row_length);
    tcase_add_test(tc, gradients_agree_for_every_number_of_rows);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
