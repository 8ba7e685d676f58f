/*
 * check_dispatch.c - the sort by expert against its reference.
 *
 * Precondition: an OpenCL device.  Claim: counts, starts, slots and tokens
 * equal the reference's for every size, with experts that get nothing or all,
 * and choices that name no expert are left out.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/tensors.h"

#include "device/device.h"
#include "nn/nn.h"

#define OK(call)  ck_ok(moe_ctx_err(support_ctx()), (call))
#define LENGTH(a) (sizeof(a) / sizeof *(a))

static int32_t *
read(const struct tensor *t)
{
    int32_t *x = support_alloc((size_t)tensor_count(t), sizeof *x);
    OK(tensor_read(t, x));
    return x;
}

static void
same(const char *what, const int32_t *got, const int32_t *want, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        ck_assert_msg(got[i] == want[i], "%s[%d]: %d, want %d", what, (int)i,
                      got[i], want[i]);
}

static void
compare(const int32_t *idx, int64_t N, int64_t E, int64_t K)
{
    size_t slots = (size_t)(N * K);
    int32_t *count = support_alloc((size_t)E, sizeof *count);
    int32_t *start = support_alloc((size_t)E + 1, sizeof *start);
    int32_t *token = support_alloc(slots, sizeof *token);
    int32_t *slot = support_alloc(slots, sizeof *slot);
    struct tensor ti = support_tensor("idx", DTYPE_I32, SHAPE(N, K), idx);
    struct dispatch d;
    ref_dispatch_forward(count, start, token, slot, idx, N, E, K);
    OK(dispatch_create(support_ctx(), &d, N, E, K));
    OK(dispatch_forward(support_ctx(), &d, &ti, N, E, K));
    same("count", read(&d.count), count, E);
    same("start", read(&d.start), start, E + 1);
    same("slot_of", read(&d.slot_of), slot, N * K);
    same("slot_token", read(&d.slot_token), token, start[E]);
    dispatch_destroy(&d);
    dispatch_destroy(&d); // twice is fine
}

START_TEST(sorts_every_shape)
{
    static const int64_t shape[][3] = {
        {1, 1, 1},   {1, 64, 8},  {63, 63, 3},   {64, 64, 8},
        {65, 65, 8}, {131, 7, 7}, {200, 256, 2}, {131, 300, 32}};
    for (size_t i = 0; i < LENGTH(shape); i++) {
        int64_t N = shape[i][0], E = shape[i][1], K = shape[i][2];
        if (support_quick() && N * E * K > 10000)
            continue;
        compare(support_integers((size_t)(N * K), i, E), N, E, K);
        support_free();
    }
}
END_TEST

START_TEST(one_expert_may_get_all_or_nothing)
{
    int32_t *idx = support_integers(150 * 2, 1, 8);
    for (int i = 0; i < 300; i++)
        idx[i] = idx[i] == 3 ? 4 : idx[i];
    compare(idx, 150, 8, 2); // nothing for expert 3
    for (int i = 0; i < 300; i++)
        idx[i] = i % 2;
    compare(idx, 150, 66, 2); // every token for 0 and 1
    for (int i = 0; i < 300; i++)
        idx[i] = 65;
    compare(idx, 150, 66, 2);
}
END_TEST

START_TEST(no_expert_gets_no_slot)
{
    int32_t *idx = support_integers(130 * 4, 5, 10);
    for (int i = 0; i < 130 * 4; i++)
        idx[i] = i % 5 == 0 ? -1 : idx[i];
    compare(idx, 130, 10, 4);
    for (int i = 0; i < 130 * 4; i++)
        idx[i] = i % 2 ? -1 : 1000;
    compare(idx, 130, 10, 4);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("dispatch");
    TCase *tc = tcase_create("forward");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, NULL, support_free);
    tcase_add_test(tc, sorts_every_shape);
    tcase_add_test(tc, one_expert_may_get_all_or_nothing);
    tcase_add_test(tc, no_expert_gets_no_slot);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
