/*
 * check_scatter.c - rows put in places against their reference.
 *
 * Precondition: an OpenCL device.  Claim: for widths below, at and above the
 * group size every row lands where the list says, and no other row changes.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/tensors.h"

#include <string.h>

#include "nn/nn.h"

static void
compare(int64_t N, int64_t R, int64_t D)
{
    float *x = support_alloc((size_t)(N * D), sizeof *x);
    float *y = support_alloc((size_t)(R * D), sizeof *y);
    float *got = support_alloc((size_t)(R * D), sizeof *got);
    int32_t *at = support_alloc((size_t)N, sizeof *at);
    support_normal(x, (size_t)(N * D), 1, 1.0);
    support_normal(y, (size_t)(R * D), 2, 1.0);
    for (int64_t n = 0; n < N; n++)
        at[n] = (int32_t)((n * 7 + 3) % R); // R has no factor 7
    struct tensor tx = support_tensor("x", DTYPE_F32, SHAPE(N, D), x);
    struct tensor ty = support_tensor("y", DTYPE_F32, SHAPE(R, D), y);
    struct tensor ta = support_tensor("at", DTYPE_I32, SHAPE(N), at);
    ck_ok(moe_ctx_err(support_ctx()),
          scatter_forward(support_ctx(), &ty, &tx, &ta, N, D));
    support_read(&ty, got);
    ref_scatter_forward(y, x, at, N, D);
    ck_assert(memcmp(got, y, (size_t)(R * D) * sizeof *y) == 0);
    support_free();
}

START_TEST(rows_land_in_their_places)
{
    static const int64_t D[] = {1, 63, 64, 65, 131};
    for (size_t i = 0; i < sizeof D / sizeof *D; i++) {
        compare(1, 5, D[i]);
        compare(40, 71, D[i]);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("scatter");
    TCase *tc = tcase_create("forward");
    tcase_set_timeout(tc, 0);
    tcase_add_test(tc, rows_land_in_their_places);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
