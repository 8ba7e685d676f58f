/*
 * check_steer.c - steering by sets of experts, and the sets that controls
 * steer instead.
 *
 * Precondition: an OpenCL device.  Claims: strength 0 and empty sets change no
 * bit; hard forces and suppress keeps out on every token; SteerMoE's edits are
 * 0.01 beyond the log-probabilities; a random set is as large, disjoint and
 * the same for the same seed; a shifted one stays in the model.
 */
#include "config.h"

#include "tests/tiny.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <polymoe/steer.h>

enum { B = 2, T = 9, N = B * T, V = 83, E = 8, K = 2, L = 2 };

struct result {
    float logits[N * V], scores[L][N * E], weight[L][N * K];
    int32_t idx[L][N * K];
};

static struct moe_model *model;
static struct moe_run *run;
static struct moe_hook *hook;
static struct moe_experts on, off;

static struct moe_err *
err(void)
{
    return moe_ctx_err(support_ctx());
}

static void
setup(void)
{
    struct moe_run_options opt = {.B = B, .T = T, .keep_routing = true};
    ck_ok(err(), moe_model_load(support_ctx(), &model,
                                tiny_write("m", &(struct tiny){0})));
    ck_ok(err(), moe_run_create(&run, model, &opt));
    ck_ok(err(),
          moe_hook_create(support_ctx(), &hook, moe_model_config(model)));
}

static void
teardown(void)
{
    moe_experts_free(&on);
    moe_experts_free(&off);
    moe_hook_destroy(&hook);
    moe_run_destroy(&run);
    moe_model_destroy(&model);
}

static void
set(struct moe_experts *x, const char *text)
{
    ck_ok(err(), moe_experts_parse(err(), x, &text, 1, L, E));
}

static void
compute(struct result *r, const struct moe_steering *s)
{
    int32_t ids[N];
    for (int n = 0; n < N; n++)
        ids[n] = (n * 37 + 11) % V;
    memset(r, 0, sizeof *r);
    if (s) {
        ck_ok(err(), moe_steer(hook, s));
        ck_ok(err(), moe_run_hook(run, hook));
    }
    ck_ok(err(), moe_run_forward(run, ids, B, T));
    ck_ok(err(), moe_run_logits(run, 0, N, r->logits));
    for (int l = 0; l < L; l++)
        ck_ok(err(),
              moe_run_routing(run, l, r->scores[l], r->idx[l], r->weight[l]));
}

/* How many tokens chose the expert. */
static int
takers(const struct result *r, int l, int e)
{
    int n = 0;
    for (int i = 0; i < N * K; i++)
        n += r->idx[l][i] == e;
    return n;
}

START_TEST(no_strength_and_no_expert_change_no_bit)
{
    static const enum moe_steer_method methods[] = {
        MOE_STEER_SOFT, MOE_STEER_HARD, MOE_STEER_SUPPRESS, MOE_STEER_STEERMOE,
        MOE_STEER_MASK};
    static struct result want, got;
    compute(&want, NULL);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        compute(&got, &(struct moe_steering){.method = methods[i],
                                             .strength = 1,
                                             .on = &on,
                                             .off = &off});
        ck_assert_mem_eq(&got, &want, sizeof want);
    }
    set(&on, "all/3");
    compute(&got, &(struct moe_steering){.method = MOE_STEER_SOFT, .on = &on});
    ck_assert_mem_eq(&got, &want, sizeof want);
}
END_TEST

START_TEST(soft_steering_draws_tokens_and_drives_them_away)
{
    static struct result plain, to, from;
    struct moe_steering s = {.method = MOE_STEER_SOFT, .on = &on};
    set(&on, "1/2-3");
    compute(&plain, NULL);
    s.strength = 1;
    compute(&to, &s);
    s.strength = -1;
    compute(&from, &s);
    for (int e = 2; e < 4; e++) {
        ck_assert_int_ge(takers(&to, 1, e), takers(&plain, 1, e));
        ck_assert_int_le(takers(&from, 1, e), takers(&plain, 1, e));
    }
    ck_assert_int_gt(takers(&to, 1, 2) + takers(&to, 1, 3),
                     takers(&from, 1, 2) + takers(&from, 1, 3));
    ck_assert_mem_eq(to.idx[0], plain.idx[0], sizeof plain.idx[0]);
}
END_TEST

START_TEST(hard_is_every_token_and_suppressed_none)
{
    static struct result r;
    set(&on, "all/5");
    compute(&r, &(struct moe_steering){
                    .method = MOE_STEER_HARD, .margin = 1e-6, .on = &on});
    for (int l = 0; l < L; l++)
        ck_assert_int_eq(takers(&r, l, 5), N);
    compute(&r, &(struct moe_steering){
                    .method = MOE_STEER_SUPPRESS, .margin = 1e-6, .on = &on});
    for (int l = 0; l < L; l++)
        ck_assert_int_eq(takers(&r, l, 5), 0);
    compute(&r, &(struct moe_steering){.method = MOE_STEER_MASK, .on = &on});
    for (int l = 0; l < L; l++)
        ck_assert_int_eq(takers(&r, l, 5), 0);
}
END_TEST

START_TEST(steermoe_edits_log_probabilities)
{
    static struct result plain, r;
    compute(&plain, NULL);
    set(&on, "0/4");
    set(&off, "0/1");
    compute(&r, &(struct moe_steering){.method = MOE_STEER_STEERMOE,
                                       .margin = 0.01,
                                       .on = &on,
                                       .off = &off});
    for (int n = 0; n < N; n++) {
        const float *z = plain.scores[0] + n * E, *y = r.scores[0] + n * E;
        double mass = 0, top = -INFINITY, low = INFINITY;
        for (int e = 0; e < E; e++)
            mass += exp((double)z[e]);
        for (int e = 0; e < E; e++) {
            top = fmax(top, (double)z[e] - log(mass));
            low = fmin(low, (double)z[e] - log(mass));
        }
        ck_assert_double_eq_tol(y[4], top + 0.01, 1e-5);
        ck_assert_double_eq_tol(y[1], low - 0.01, 1e-5);
        ck_assert_double_eq_tol(y[0], (double)z[0] - log(mass), 1e-5);
    }
    ck_assert_int_eq(takers(&r, 0, 4), N);
    ck_assert_int_eq(takers(&r, 0, 1), 0);
}
END_TEST

START_TEST(a_random_set_is_as_large_and_disjoint)
{
    static const char *const text[] = {"0/1-3", "1/0", "1/6"};
    struct moe_experts again = {0};
    bool differs = false;
    for (uint64_t seed = 0; seed < 20; seed++) {
        ck_ok(err(), moe_experts_parse(err(), &on, text, 3, L, E));
        ck_ok(err(), moe_experts_parse(err(), &again, text, 3, L, E));
        ck_ok(err(), moe_experts_random(err(), &on, seed, E));
        ck_ok(err(), moe_experts_random(err(), &again, seed, E));
        ck_assert_int_eq(on.layer[0].n, 3);
        ck_assert_int_eq(on.layer[1].n, 2);
        for (int l = 0; l < L; l++)
            ck_assert_mem_eq(on.layer[l].expert, again.layer[l].expert,
                             (size_t)on.layer[l].n * sizeof(int32_t));
        unsigned seen = 0;
        for (int k = 0; k < 3; k++) {
            const int32_t e = on.layer[0].expert[k];
            ck_assert(e == 0 || (e > 3 && e < E));
            ck_assert(!(seen & (1u << e)));
            seen |= 1u << e;
        }
        differs |= seen != ((1u << 0) | (1u << 4) | (1u << 5));
        moe_experts_free(&on);
        moe_experts_free(&again);
    }
    ck_assert(differs);
    set(&on, "1/0-4");
    int rc = moe_experts_random(err(), &on, 1, E);
    ck_fails(err(), rc, MOE_EINVAL, "layer 1: 5 random experts");
}
END_TEST

START_TEST(a_shifted_set_stays_in_the_model)
{
    set(&on, "0/2-3");
    ck_ok(err(), moe_experts_shift(err(), &on, 1, L));
    ck_assert_int_eq(on.layer[0].layer, 1);
    ck_assert_int_eq(on.layer[0].expert[1], 3);
    int rc = moe_experts_shift(err(), &on, 1, L);
    ck_fails(err(), rc, MOE_EINVAL, "layer 1 shifted by 1 is 2, want 0 to 1");
    rc = moe_experts_shift(err(), &on, -2, L);
    ck_fails(err(), rc, MOE_EINVAL, "is -1");
    ck_assert_int_eq(on.layer[0].layer, 1);
}
END_TEST

START_TEST(only_the_layers_asked_for_stay)
{
    const bool in[L] = {false, true};
    set(&on, "all/2-3");
    moe_experts_keep(&on, in);
    ck_assert_int_eq(on.layers, 1);
    ck_assert_int_eq(on.layer[0].layer, 1);
    ck_assert_int_eq(on.layer[0].n, 2);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("steer");
    TCase *t = tcase_create("steer");
    tcase_set_timeout(t, 0);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, no_strength_and_no_expert_change_no_bit);
    tcase_add_test(t, soft_steering_draws_tokens_and_drives_them_away);
    tcase_add_test(t, hard_is_every_token_and_suppressed_none);
    tcase_add_test(t, steermoe_edits_log_probabilities);
    tcase_add_test(t, a_random_set_is_as_large_and_disjoint);
    tcase_add_test(t, a_shifted_set_stays_in_the_model);
    tcase_add_test(t, only_the_layers_asked_for_stay);
    suite_add_tcase(s, t);
    return support_main(s, 1);
}
