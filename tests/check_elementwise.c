/*
 * check_elementwise.c - sum and clamp against their references.
 *
 * Precondition: an OpenCL device.  Claim: every length gives the sum and the
 * clamped numbers, nothing after the end is touched, and NaN stays NaN.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/tensors.h"

#include <math.h>

#include "nn/nn.h"

#define OK(call)  ck_ok(moe_ctx_err(support_ctx()), (call))
#define LENGTH(a) (sizeof(a) / sizeof *(a))

static const int64_t length[] = {0, 1, 7, 8, 9, 511, 512, 513, 1031};

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

int
main(void)
{
    Suite *suite = suite_create("elementwise");
    TCase *tc = tcase_create("forward");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, NULL, support_free);
    tcase_add_test(tc, adds);
    tcase_add_test(tc, clips);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
