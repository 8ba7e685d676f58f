/*
 * check_router.c - probabilities and choice against their reference.
 *
 * Precondition: an OpenCL device.  Claim: the choice equals the reference's,
 * ties going to the lower expert; probabilities and weights agree; a row with
 * NaN or +inf says so and harms no other row; logits of +-1e4 and -inf give
 * finite results; two runs give the same bits.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/tensors.h"

#include <math.h>

#include "nn/nn.h"

#define OK(call)  ck_ok(moe_ctx_err(support_ctx()), (call))
#define LENGTH(a) (sizeof(a) / sizeof *(a))

struct sample {
    int64_t N, E, K;
    bool renorm;
    float *logits;
};

static struct sample
sample_make(int64_t N, int64_t E, int64_t K, bool renorm)
{
    struct sample s = {N, E, K, renorm, NULL};
    s.logits = support_alloc((size_t)(N * E), sizeof *s.logits);
    support_normal(s.logits, (size_t)(N * E), 1, 2.0);
    return s;
}

static void
compare(const struct sample *s)
{
    struct moe_ctx *ctx = support_ctx();
    int64_t N = s->N, E = s->E, K = s->K;
    size_t choices = (size_t)(N * K);
    double *p = support_alloc((size_t)(N * E), sizeof *p);
    double *w = support_alloc(choices, sizeof *w);
    int32_t *idx = support_alloc(choices, sizeof *idx);
    int32_t *got = support_alloc(choices, sizeof *got);
    struct tensor tx = support_tensor("x", DTYPE_F32, SHAPE(N, E), s->logits);
    struct tensor tp[2], ti[2], tw[2];
    ref_router_forward(p, idx, w, s->logits, N, E, K, s->renorm);
    for (int i = 0; i < 2; i++) {
        tp[i] = support_tensor("probs", DTYPE_F32, SHAPE(N, E), NULL);
        ti[i] = support_tensor("idx", DTYPE_I32, SHAPE(N, K), NULL);
        tw[i] = support_tensor("weight", DTYPE_F32, SHAPE(N, K), NULL);
        OK(router_forward(ctx, &tp[i], &ti[i], &tw[i], &tx, N, E, K,
                          s->renorm));
    }
    support_close_tensor(&tp[0], p, 1e-6, 1e-6);
    support_close_tensor(&tw[0], w, 1e-6, 1e-6);
    support_read(&ti[0], got);
    for (size_t i = 0; i < choices; i++)
        ck_assert_msg(got[i] == idx[i], "E %d K %d, choice %d: %d, want %d",
                      (int)E, (int)K, (int)i, got[i], idx[i]);
    support_same(&tp[0], &tp[1]);
    support_same(&ti[0], &ti[1]);
    support_same(&tw[0], &tw[1]);
}

START_TEST(chooses_for_every_shape)
{
    static const int64_t shape[][2] = {{1, 1},   {2, 1},    {5, 5},    {8, 2},
                                       {63, 7},  {64, 8},   {65, 9},   {128, 8},
                                       {131, 1}, {256, 32}, {257, 257}};
    for (size_t i = 0; i < LENGTH(shape); i++)
        for (int renorm = 0; renorm < 2; renorm++) {
            if (support_quick() && shape[i][0] > 65)
                continue;
            struct sample s = sample_make(support_quick() ? 2 : 67, shape[i][0],
                                          shape[i][1], renorm);
            compare(&s);
            support_free();
        }
}
END_TEST

START_TEST(ties_go_to_the_lower_expert)
{
    struct sample s = sample_make(4, 70, 8, true);
    for (int64_t e = 0; e < 70; e++) {
        s.logits[e] = 0.25f;                         // all equal
        s.logits[70 + e] = e % 7 == 3 ? 1.0f : 0.0f; // ten equal, best
        s.logits[140 + e] = e == 69 ? 2.0f : -1.0f;  // one, then the rest
        s.logits[210 + e] = e < 64 ? 1.0f : 1.5f;    // six, then two
    }
    compare(&s);
}
END_TEST

START_TEST(extreme_logits_stay_finite)
{
    struct sample s = sample_make(5, 66, 8, true);
    for (int64_t e = 0; e < 66; e++) {
        s.logits[e] = e % 2 ? 1e4f : -1e4f;
        s.logits[66 + e] = e == 65 ? 1e4f : 0.0f; // the others underflow
        s.logits[132 + e] = e < 60 ? -INFINITY : (float)e;
        s.logits[198 + e] = -INFINITY;
        s.logits[264 + e] = e == 7 ? -INFINITY : -1e4f;
    }
    compare(&s);
    s.renorm = false;
    compare(&s);
}
END_TEST

START_TEST(bad_row_is_marked_and_alone)
{
    struct sample s = sample_make(5, 65, 4, true);
    s.logits[65 + 64] = NAN;
    s.logits[3 * 65 + 2] = INFINITY;
    compare(&s);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("router");
    TCase *tc = tcase_create("forward");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, NULL, support_free);
    tcase_add_test(tc, chooses_for_every_shape);
    tcase_add_test(tc, ties_go_to_the_lower_expert);
    tcase_add_test(tc, extreme_logits_stay_finite);
    tcase_add_test(tc, bad_row_is_marked_and_alone);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
