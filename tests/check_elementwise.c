/*
 * check_elementwise.c - zero, sum, clamp and its gradient against references.
 *
 * Precondition: an OpenCL device.  Claim: every length gives zeros, the sum,
 * the clamped numbers and the gradients of those that moved freely, nothing
 * after the end is touched, and NaN stays NaN; the reference's gradient is the
 * derivative of its clamp.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/tensors.h"

#include <math.h>

#include "nn/nn.h"

#define OK(call)  ck_ok(moe_ctx_err(support_ctx()), (call))
#define LENGTH(a) (sizeof(a) / sizeof *(a))

static const int64_t length[] = {0, 1, 7, 8, 9, 511, 512, 513, 1031};

START_TEST(clears)
{
    for (size_t i = 0; i < LENGTH(length); i++) {
        int64_t n = length[i];
        float *x = support_alloc((size_t)n, sizeof *x);
        double *want = support_alloc((size_t)n, sizeof *want);
        struct tensor tx = support_random("x", DTYPE_F32, SHAPE(n), 1, 3.0, x);
        OK(zero_forward(support_ctx(), &tx, (uint64_t)n));
        support_close_tensor(&tx, want, 0, 0);
    }
}
END_TEST

START_TEST(adds)
{
    for (size_t i = 0; i < LENGTH(length); i++) {
        int64_t n = length[i];
        float *x = support_alloc((size_t)n, sizeof *x);
        float *y = support_alloc((size_t)n, sizeof *y);
        double *want = support_alloc((size_t)n, sizeof *want);
        struct tensor tx = support_random("x", DTYPE_F32, SHAPE(n), 1, 3.0, x);
        struct tensor ty = support_random("y", DTYPE_F32, SHAPE(n), 2, 1.0, y);
        for (int64_t k = 0; k < n; k++)
            want[k] = (double)x[k];
        ref_add_forward(want, y, n);
        OK(add_forward(support_ctx(), &tx, &ty, n));
        support_close_tensor(&tx, want, 0, 1e-7);
    }
}
END_TEST

START_TEST(clips)
{
    for (size_t i = 0; i < LENGTH(length); i++) {
        int64_t n = length[i];
        float *x = support_alloc((size_t)n, sizeof *x);
        double *want = support_alloc((size_t)n, sizeof *want);
        support_normal(x, (size_t)n, 1, 3.0);
        if (n > 500) {
            x[3] = INFINITY;
            x[4] = -INFINITY;
            x[5] = x[n - 1] = NAN;
        }
        for (int64_t k = 0; k < n; k++)
            want[k] = (double)x[k];
        struct tensor tx = support_tensor("x", DTYPE_F32, SHAPE(1, n), x);
        ref_clip_forward(want, 1.5, 1, n);
        OK(clip_forward(support_ctx(), &tx, 1.5f, 1, n));
        support_close_tensor(&tx, want, 0, 0);
    }
}
END_TEST

/* A third is clipped: y is at the limit, on both sides, where x was beyond. */
START_TEST(clipped_numbers_have_no_gradient)
{
    for (size_t i = 0; i < LENGTH(length); i++) {
        int64_t n = length[i];
        float *y = support_alloc((size_t)n, sizeof *y);
        float *dx = support_alloc((size_t)n, sizeof *dx);
        double *want = support_alloc((size_t)n, sizeof *want);
        struct tensor tx =
            support_random("dx", DTYPE_F32, SHAPE(1, n), 2, 1.0, dx);
        support_normal(y, (size_t)n, 1, 1.5);
        for (int64_t k = 0; k < n; k++) {
            y[k] = fminf(fmaxf(y[k], -1.5f), 1.5f);
            want[k] = (double)dx[k];
        }
        if (n > 500)
            y[5] = y[n - 1] = NAN;
        struct tensor ty = support_tensor("y", DTYPE_F32, SHAPE(1, n), y);
        ref_clip_backward(want, y, 1.5, 1, n);
        OK(clip_backward(support_ctx(), &tx, &ty, 1.5f, 1, n));
        support_close_tensor(&tx, want, 0, 0);
    }
}
END_TEST

enum { SIZE = 101 };

/* sum dy clip(x), a function of x; dy follows x in memory. */
static double
clipped_sum(void *arg)
{
    const float *x = arg;
    double y[SIZE], sum = 0;
    for (int i = 0; i < SIZE; i++)
        y[i] = (double)x[i];
    ref_clip_forward(y, 1.25, 1, SIZE);
    for (int i = 0; i < SIZE; i++)
        sum += (double)x[SIZE + i] * y[i];
    return sum;
}

/* No x lies so near the limit that a step crosses it. */
START_TEST(reference_is_the_derivative)
{
    static float x[2 * SIZE], y[SIZE], to[SIZE];
    double dx[SIZE], along = 0;
    support_lattice(x, SIZE, 1, 2.0);
    support_lattice(to, SIZE, 2, 1.0);
    support_normal(x + SIZE, SIZE, 3, 1.0);
    for (int i = 0; i < SIZE; i++) {
        if (fabsf(fabsf(x[i]) - 1.25f) < 0.0625f)
            x[i] = 0.5f;
        y[i] = fminf(fmaxf(x[i], -1.25f), 1.25f);
        dx[i] = (double)x[SIZE + i];
    }
    ref_clip_backward(dx, y, 1.25, 1, SIZE);
    for (int i = 0; i < SIZE; i++)
        along += dx[i] * (double)to[i];
    ck_assert_double_eq_tol(support_derivative(clipped_sum, x, x, to, SIZE),
                            along, 1e-9);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("elementwise");
    TCase *tc = tcase_create("both ways");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, NULL, support_free);
    tcase_add_test(tc, clears);
    tcase_add_test(tc, adds);
    tcase_add_test(tc, clips);
    tcase_add_test(tc, clipped_numbers_have_no_gradient);
    tcase_add_test(tc, reference_is_the_derivative);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
