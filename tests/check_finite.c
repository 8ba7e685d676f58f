/*
 * check_finite.c - where numbers stop being finite, against its reference.
 *
 * Precondition: an OpenCL device.  Claim: for any number of rows and columns
 * the first row of each block with a NaN or an infinity is found, and finite
 * numbers of any size are let through.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/tensors.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "nn/nn.h"

/* Rows of x to spoil, and with what. */
struct spot {
    int64_t row;
    float value;
};

static void
compare(int64_t N, int64_t E, const struct spot *spot, size_t spots)
{
    int64_t M = finite_blocks(N);
    float *x = malloc((size_t)(N * E) * sizeof *x);
    int32_t *want = malloc((size_t)M * sizeof *want);
    int32_t *got = malloc((size_t)M * sizeof *got);
    ck_assert(x && want && got);
    support_normal(x, (size_t)(N * E), 1, 1e30);
    for (size_t i = 0; i < spots; i++)
        if (spot[i].row < N)
            x[spot[i].row * E + (spot[i].row * 7) % E] = spot[i].value;
    ref_finite_forward(want, x, N, E, FINITE_ROWS);
    struct tensor tx = support_tensor("x", DTYPE_F32, SHAPE(N, E), x);
    struct tensor bad = support_tensor("bad", DTYPE_I32, SHAPE(M), NULL);
    ck_ok(moe_ctx_err(support_ctx()),
          finite_forward(support_ctx(), &bad, &tx, N, E));
    support_read(&bad, got);
    for (int64_t m = 0; m < M; m++)
        ck_assert_int_eq(got[m], want[m]);
    support_free();
    free(x);
    free(want);
    free(got);
}

static const struct spot spots[] = {
    {0, NAN},  {5, FLT_MAX},   {63, INFINITY},   {64, FLT_MIN / 2},
    {70, NAN}, {71, INFINITY}, {127, -INFINITY}, {200, -NAN},
};

START_TEST(first_bad_rows_are_found)
{
    static const int64_t N[] = {1, 63, 64, 65, 128, 211};
    static const int64_t E[] = {1, 4, 64, 67};
    for (size_t i = 0; i < sizeof N / sizeof *N; i++)
        for (size_t k = 0; k < sizeof E / sizeof *E; k++) {
            compare(N[i], E[k], spots, sizeof spots / sizeof *spots);
            compare(N[i], E[k], spots + 2, 1);
        }
}
END_TEST

START_TEST(finite_numbers_pass)
{
    compare(131, 8, NULL, 0);
    compare(131, 8, spots + 1, 1);
    compare(131, 8, spots + 3, 1);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("finite");
    TCase *tc = tcase_create("forward");
    tcase_set_timeout(tc, 0);
    tcase_add_test(tc, first_bad_rows_are_found);
    tcase_add_test(tc, finite_numbers_pass);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
