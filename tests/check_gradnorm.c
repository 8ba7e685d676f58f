/*
 * check_gradnorm.c - the global norm and the clipping factor.
 *
 * Precondition: random gradients in two ranges.  Claim: norm and factor agree
 * with the reference, at sizes around a group and around a partial sum; a
 * limit of 0 never clips; not finite stays not finite.
 */
#include "config.h"

#include "tests/support.h"

#include <math.h>
#include <stdlib.h>

#include "tests/ref/ref.h"
#include "train/optimizer.h"

/* Norm and factor of the n gradients, taken as ranges of `cut` and the rest. */
static void
run(float out[2], const float *g, int64_t n, int64_t cut, double limit)
{
    struct moe_ctx *ctx = support_ctx();
    struct moe_err *err = moe_ctx_err(ctx);
    uint64_t P = gradnorm_partials((uint64_t)cut),
             Q = gradnorm_partials((uint64_t)(n - cut));
    struct tensor tg = tensor_shape(DTYPE_F32, 1, &n);
    struct tensor tp = tensor_shape(DTYPE_F32, 1, &(int64_t){(int64_t)(P + Q)});
    struct tensor to = tensor_shape(DTYPE_F32, 1, &(int64_t){2});
    ck_ok(err, tensor_create(ctx, &tg, "g"));
    ck_ok(err, tensor_create(ctx, &tp, "partial"));
    ck_ok(err, tensor_create(ctx, &to, "out"));
    ck_ok(err, tensor_write(&tg, g));
    struct tensor head = tensor_rows(&tg, 0, cut);
    struct tensor tail = tensor_rows(&tg, cut, n - cut);
    struct tensor rest = tensor_rows(&tp, (int64_t)P, (int64_t)Q);
    ck_ok(err, gradnorm_partial(ctx, &tp, &head, (uint64_t)cut));
    ck_ok(err, gradnorm_partial(ctx, &rest, &tail, (uint64_t)(n - cut)));
    ck_ok(err, gradnorm_finish(ctx, &to, &tp, P + Q, limit));
    ck_ok(err, tensor_read(&to, out));
    buffer_destroy(&tg.buf);
    buffer_destroy(&tp.buf);
    buffer_destroy(&to.buf);
}

START_TEST(norm_and_factor_agree)
{
    static const int64_t sizes[] = {1, 63, 64, 65, 16383, 16385, 50021};
    static const double limits[] = {0, 0.5, 1e6};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t k = 0; k < sizeof limits / sizeof *limits; k++) {
            int64_t n = sizes[i];
            float *g = calloc((size_t)n, sizeof *g), out[2];
            double want[2];
            support_normal(g, (size_t)n, 7, 0.3);
            run(out, g, n, n / 3, limits[k]);
            ref_gradnorm(&want[0], &want[1], g, limits[k], n);
            support_close("norm, scale", out, want, 2, 0, 1e-5);
            free(g);
        }
}
END_TEST

START_TEST(not_finite_is_seen)
{
    float g[100] = {0}, out[2];
    g[77] = NAN;
    run(out, g, 100, 50, 1);
    ck_assert(isnan(out[0]));
    g[77] = INFINITY;
    run(out, g, 100, 50, 1);
    ck_assert(isinf(out[0]));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("gradnorm");
    TCase *tc = tcase_create("gradnorm");
    tcase_add_test(tc, norm_and_factor_agree);
    tcase_add_test(tc, not_finite_is_seen);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
