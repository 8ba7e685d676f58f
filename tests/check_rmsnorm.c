/*
 * check_rmsnorm.c - the normalisation against its reference.
 *
 * Precondition: an OpenCL device.  Claim: for row lengths below, at and above
 * the group size and its multiple by the vector width, y and r agree with the
 * double reference; in place gives the same; two runs give the same bits.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/tensors.h"

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

START_TEST(agrees_for_every_row_length)
{
    static const int64_t D[] = {1,  2,   7,   8,   63,  64,
                                65, 127, 511, 512, 519, 1021};
    for (size_t i = 0; i < LENGTH(D); i++) {
        compare(1, D[i], 1.0);
        compare(3, D[i], 1.0);
        if (!support_quick())
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
    return support_main(suite, 1);
}
