/*
 * check_edit.c - edits of router logits against their reference.
 *
 * Precondition: an OpenCL device.  Claim: every rule agrees for any number of
 * rows and experts, with and without a log-softmax before; what no rule
 * touches keeps its bits; the largest and the smallest are passed whatever
 * their size; gradients are scaled and masked; two runs give the same bits.
 */
#include "config.h"

#include "tests/ref/ref.h"
#include "tests/tensors.h"

#include <math.h>
#include <string.h>

#include "nn/nn.h"

#define OK(call) ck_ok(moe_ctx_err(support_ctx()), (call))

struct edits {
    int64_t N, E;
    float *logits, *value;
    int32_t *rule;
};

/* Random rules with random numbers. */
static struct edits
edits_make(int64_t N, int64_t E, int rules)
{
    struct edits s = {N, E, NULL, NULL, NULL};
    s.logits = support_alloc((size_t)(N * E), sizeof *s.logits);
    s.value = support_alloc((size_t)(3 * E), sizeof *s.value);
    s.rule = support_integers((size_t)E, 3, rules);
    support_normal(s.logits, (size_t)(N * E), 1, 3.0);
    support_normal(s.value, (size_t)(3 * E), 2, 1.0);
    return s;
}

static void
compare(const struct edits *s, bool normalise)
{
    size_t n = (size_t)(s->N * s->E);
    double *want = support_alloc(n, sizeof *want);
    struct tensor x[2];
    struct tensor rule =
        support_tensor("rule", DTYPE_I32, SHAPE(s->E), s->rule);
    struct tensor value =
        support_tensor("value", DTYPE_F32, SHAPE(s->E, 3), s->value);
    ref_edit_forward(want, s->logits, s->rule, s->value, s->N, s->E, normalise);
    for (int i = 0; i < 2; i++) {
        x[i] = support_tensor("x", DTYPE_F32, SHAPE(s->N, s->E), s->logits);
        OK(edit_forward(support_ctx(), &x[i], &rule, &value, s->N, s->E,
                        normalise));
    }
    support_close_tensor(&x[0], want, 4e-6, 4e-6);
    support_same(&x[0], &x[1]);
}

START_TEST(every_rule_for_every_shape)
{
    static const int64_t shape[][2] = {{1, 1},   {3, 2},  {5, 8},    {67, 63},
                                       {65, 64}, {2, 65}, {31, 128}, {9, 257}};
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
        for (int mode = 0; mode < 8; mode++) {
            struct edits s = edits_make(support_quick() ? 2 : shape[i][0],
                                        shape[i][1], 1 + mode / 2);
            compare(&s, mode & 1);
            support_free();
        }
}
END_TEST

START_TEST(what_no_rule_touches_keeps_its_bits)
{
    enum { N = 5, E = 66 };
    static float got[N * E];
    struct edits s = edits_make(N, E, 1);
    for (int e = 0; e < E; e++) {
        s.rule[e] = e % 11 == 0 ? 1 + e % 3 : 0;
        memcpy(s.value + 3 * e, (float[]){1, 0, 0}, 3 * sizeof(float));
    }
    struct tensor x = support_tensor("x", DTYPE_F32, SHAPE(N, E), s.logits);
    struct tensor rule = support_tensor("rule", DTYPE_I32, SHAPE(E), s.rule);
    struct tensor value =
        support_tensor("value", DTYPE_F32, SHAPE(E, 3), s.value);
    OK(edit_forward(support_ctx(), &x, &rule, &value, N, E, false));
    support_read(&x, got);
    for (int i = 0; i < N * E; i++)
        if (s.rule[i % E] == 0)
            ck_assert(got[i] == s.logits[i]);
}
END_TEST

/* An expert that is ON beats all others by probability as well, which
 * rounding could have made equal, and one that is OFF beats none. */
START_TEST(forcing_outlives_rounding)
{
    enum { N = 6, E = 9, K = 2 };
    static const float size[N] = {0, 1e-6f, 1, 12, 1e4f, -3e5f};
    static float x[N * E], value[3 * E];
    static int32_t rule[E], idx[N * K];
    rule[7] = 1;
    rule[2] = 2;
    for (int e = 0; e < E; e++)
        value[3 * e] = 1;
    for (int n = 0; n < N; n++)
        for (int e = 0; e < E; e++)
            x[n * E + e] = size[n]; // ties, which the lower expert would win
    struct tensor tx = support_tensor("x", DTYPE_F32, SHAPE(N, E), x);
    struct tensor tr = support_tensor("rule", DTYPE_I32, SHAPE(E), rule);
    struct tensor tv = support_tensor("value", DTYPE_F32, SHAPE(E, 3), value);
    struct tensor tp = support_tensor("p", DTYPE_F32, SHAPE(N, E), NULL);
    struct tensor ti = support_tensor("idx", DTYPE_I32, SHAPE(N, K), NULL);
    struct tensor tw = support_tensor("w", DTYPE_F32, SHAPE(N, K), NULL);
    OK(edit_forward(support_ctx(), &tx, &tr, &tv, N, E, false));
    OK(router_forward(support_ctx(), &tp, &ti, &tw, &tx, N, E, K, false));
    support_read(&ti, idx);
    for (int n = 0; n < N; n++) {
        ck_assert_int_eq(idx[n * K], 7);
        ck_assert_int_ne(idx[n * K + 1], 2);
    }
}
END_TEST

START_TEST(gradients_are_scaled_and_masked)
{
    enum { N = 13, E = 67 };
    struct edits s = edits_make(N, E, 1);
    double *want = support_alloc(N * E, sizeof *want);
    struct tensor d[2];
    for (int e = 0; e < E; e += 3)
        s.rule[e] = 3;
    ref_edit_backward(want, s.logits, s.rule, s.value, N, E);
    for (int i = 0; i < 2; i++) {
        struct tensor rule =
            support_tensor("rule", DTYPE_I32, SHAPE(E), s.rule);
        struct tensor value =
            support_tensor("value", DTYPE_F32, SHAPE(E, 3), s.value);
        d[i] = support_tensor("d", DTYPE_F32, SHAPE(N, E), s.logits);
        OK(edit_backward(support_ctx(), &d[i], &rule, &value, N, E));
    }
    support_close_tensor(&d[0], want, 1e-6, 1e-6);
    support_same(&d[0], &d[1]);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("edit");
    TCase *tc = tcase_create("edit");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, NULL, support_free);
    tcase_add_test(tc, every_rule_for_every_shape);
    tcase_add_test(tc, what_no_rule_touches_keeps_its_bits);
    tcase_add_test(tc, forcing_outlives_rounding);
    tcase_add_test(tc, gradients_are_scaled_and_masked);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
