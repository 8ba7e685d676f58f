/*
 * check_combine.c - the weighted sum against its reference.
 *
 * Precondition: an OpenCL device, slots of dispatch.  Claim: rows are added in
 * for every width and number of experts; negative slots add nothing, whatever
 * their weight; two runs give the same bits.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/tensors.h"

#include "nn/nn.h"

#define OK(call)  ck_ok(moe_ctx_err(support_ctx()), (call))
#define LENGTH(a) (sizeof(a) / sizeof *(a))

static void
compare(int64_t N, int64_t K, int64_t D, bool holes)
{
    size_t slots = (size_t)(N * K), size = (size_t)(N * D);
    float *x = support_alloc(size, sizeof *x);
    float *y = support_alloc(slots * (size_t)D, sizeof *y);
    float *w = support_alloc(slots, sizeof *w);
    int32_t *slot = support_alloc(slots, sizeof *slot);
    double *want = support_alloc(size, sizeof *want);
    // A permutation of the slots: 7 is prime to every N K used here.
    for (size_t i = 0; i < slots; i++)
        slot[i] = holes && i % 3 == 0 ? -1 : (int32_t)(i * 7 % slots);
    struct tensor tx[2];
    for (int i = 0; i < 2; i++)
        tx[i] = support_random("x", DTYPE_F32, SHAPE(N, D), 1, 1.0, x);
    struct tensor ty =
        support_random("y", DTYPE_F32, SHAPE(N * K, D), 2, 1.0, y);
    struct tensor tw = support_random("w", DTYPE_F32, SHAPE(N, K), 3, 1.0, w);
    struct dispatch d = {
        .slot_of = support_tensor("slot_of", DTYPE_I32, SHAPE(N, K), slot)};
    for (size_t i = 0; i < size; i++)
        want[i] = (double)x[i];
    ref_combine_forward(want, y, w, slot, N, K, D);
    for (int i = 0; i < 2; i++)
        OK(combine_forward(support_ctx(), &tx[i], &ty, &tw, &d, N, K, D));
    support_close_tensor(&tx[0], want, 1e-5, 1e-5);
    support_same(&tx[0], &tx[1]);
    support_free();
}

START_TEST(adds_every_shape)
{
    static const int64_t D[] = {1, 7, 8, 63, 64, 65, 511, 512, 519, 1021};
    for (size_t i = 0; i < LENGTH(D); i++) {
        compare(1, 1, D[i], false);
        compare(5, 8, D[i], false);
        compare(5, 8, D[i], true);
    }
    compare(67, 2, 40, true);
    compare(3, 32, 70, false);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("combine");
    TCase *tc = tcase_create("forward");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, NULL, support_free);
    tcase_add_test(tc, adds_every_shape);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
