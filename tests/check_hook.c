/*
 * check_hook.c - edits of routers in whole models.
 *
 * Precondition: an OpenCL device.  Claims: no edit and strength 0 change no
 * bit; a forced expert is among the best K of every token, a suppressed one of
 * none; a masked expert is as good as absent; edits that cannot work are
 * refused before a pass, a NaN is named with layer and token.
 */
#include "config.h"

#include "tests/tensors.h"
#include "tests/tiny.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/hook.h"
#include "model/model.h"

enum { B = 2, T = 9, N = B * T, V = 83, E = 8, K = 2, L = 2 };

struct result {
    float logits[N * V], scores[L][N * E], weight[L][N * K];
    int32_t idx[L][N * K];
};

static struct moe_model *model;
static struct moe_run *run;
static struct moe_hook *hook;

static struct moe_err *
err(void)
{
    return moe_ctx_err(support_ctx());
}

static void
open_model(const struct tiny *t)
{
    struct moe_run_options opt = {.B = B, .T = T, .keep_routing = true};
    ck_ok(err(), moe_model_load(support_ctx(), &model, tiny_write("m", t)));
    ck_ok(err(), moe_run_create(&run, model, &opt));
    ck_ok(err(),
          moe_hook_create(support_ctx(), &hook, moe_model_config(model)));
}

static void
setup(void)
{
    open_model(&(struct tiny){0});
}

static void
teardown(void)
{
    moe_hook_destroy(&hook);
    moe_run_destroy(&run);
    moe_model_destroy(&model);
}

static int
forward(void)
{
    int32_t ids[N];
    for (int n = 0; n < N; n++)
        ids[n] = (n * 37 + 11) % V;
    return moe_run_forward(run, ids, B, T);
}

static void
compute(struct result *r)
{
    int64_t experts = moe_model_config(model)->E;
    float *scores = support_alloc((size_t)(N * experts), sizeof *scores);
    memset(r, 0, sizeof *r);
    ck_ok(err(), forward());
    ck_ok(err(), moe_run_logits(run, 0, N, r->logits));
    for (int l = 0; l < L; l++) {
        ck_ok(err(), moe_run_routing(run, l, scores, r->idx[l], r->weight[l]));
        for (int n = 0; n < N; n++)
            memcpy(r->scores[l] + n * E, scores + n * experts,
                   (size_t)experts * sizeof *scores);
    }
}

static void
edit(int64_t layer, int64_t expert, struct moe_edit e)
{
    ck_ok(err(), moe_hook_edit(hook, layer, expert, &e));
}

static bool
chosen(const struct result *r, int l, int n, int e)
{
    return r->idx[l][n * K] == e || r->idx[l][n * K + 1] == e;
}

START_TEST(no_edit_changes_no_bit)
{
    static struct result want, got;
    compute(&want);
    ck_ok(err(), moe_run_hook(run, hook));
    compute(&got);
    ck_assert_mem_eq(&got, &want, sizeof want);
    for (int e = 0; e < E; e++)
        edit(e % 2, e, (struct moe_edit){.rule = MOE_EDIT_SHIFT, .scale = 1});
    moe_hook_normalise(hook, 1);
    ck_ok(err(), moe_run_hook(run, hook));
    compute(&got);
    ck_assert_mem_eq(&got, &want, sizeof want);
    edit(1, 3, (struct moe_edit){.rule = MOE_EDIT_ON, .margin = 0.01f});
    ck_ok(err(), moe_run_hook(run, hook));
    compute(&got);
    ck_assert(memcmp(got.logits, want.logits, sizeof want.logits) != 0);
    ck_assert_mem_eq(got.idx[0], want.idx[0], sizeof want.idx[0]);
    ck_ok(err(), moe_run_hook(run, NULL));
    compute(&got);
    ck_assert_mem_eq(&got, &want, sizeof want);
}
END_TEST

START_TEST(forced_experts_are_taken_by_every_token)
{
    static struct result r;
    edit(0, 5, (struct moe_edit){.rule = MOE_EDIT_ON});
    edit(1, 0, (struct moe_edit){.rule = MOE_EDIT_ON, .margin = 1e-6f});
    edit(1, 7, (struct moe_edit){.rule = MOE_EDIT_ON, .margin = 2e-6f});
    ck_ok(err(), moe_run_hook(run, hook));
    compute(&r);
    for (int n = 0; n < N; n++) {
        ck_assert(chosen(&r, 0, n, 5));
        ck_assert(chosen(&r, 1, n, 0) && chosen(&r, 1, n, 7));
    }
}
END_TEST

START_TEST(suppressed_experts_are_taken_by_none)
{
    static struct result r;
    for (int e = 0; e < E - K; e++)
        edit(0, e, (struct moe_edit){.rule = MOE_EDIT_OFF, .margin = 0.01f});
    moe_hook_normalise(hook, 0);
    ck_ok(err(), moe_run_hook(run, hook));
    compute(&r);
    for (int n = 0; n < N; n++)
        ck_assert(chosen(&r, 0, n, E - 2) && chosen(&r, 0, n, E - 1));
}
END_TEST

START_TEST(soft_edits_move_by_the_deviation)
{
    static struct result want, got;
    compute(&want);
    edit(0, 4,
         (struct moe_edit){.rule = MOE_EDIT_SHIFT, .scale = 1, .spread = 0.5f});
    ck_ok(err(), moe_run_hook(run, hook));
    compute(&got);
    for (int n = 0; n < N; n++) {
        const float *z = want.scores[0] + n * E, *y = got.scores[0] + n * E;
        double mean = 0, square = 0;
        for (int e = 0; e < E; e++)
            mean += (double)z[e] / E;
        for (int e = 0; e < E; e++)
            square += pow((double)z[e] - mean, 2) / E;
        for (int e = 0; e < E; e++)
            ck_assert_double_eq_tol(
                y[e], e == 4 ? (double)z[e] + 0.5 * sqrt(square) : (double)z[e],
                1e-5);
    }
}
END_TEST

/* The last expert masked in both layers, against a model without it. */
START_TEST(a_masked_expert_is_as_good_as_absent)
{
    static struct result want, got;
    for (int l = 0; l < L; l++)
        edit(l, E - 1, (struct moe_edit){.rule = MOE_EDIT_MASK});
    ck_ok(err(), moe_run_hook(run, hook));
    compute(&got);
    teardown();
    open_model(&(struct tiny){.config = "{\"num_experts\":7}"});
    compute(&want);
    for (int l = 0; l < L; l++) {
        ck_assert_mem_eq(got.idx[l], want.idx[l], sizeof want.idx[l]);
        for (int i = 0; i < N * K; i++)
            ck_assert_double_eq_tol(got.weight[l][i], want.weight[l][i], 1e-6);
    }
    for (int i = 0; i < N * V; i++)
        ck_assert_double_eq_tol(got.logits[i], want.logits[i], 1e-5);
}
END_TEST

START_TEST(edits_that_cannot_work_are_refused)
{
    struct moe_edit mask = {.rule = MOE_EDIT_MASK}, on = {.rule = MOE_EDIT_ON};
    for (int e = 0; e < E - 1; e++)
        edit(1, e, mask);
    int rc = moe_run_hook(run, hook);
    ck_fails(err(), rc, MOE_EINVAL,
             "layer 1: the masks leave 1 of 8 experts, want at least 2");
    ck_ok(err(), hook_prepare(hook, moe_model_config(model), HOOK_TRAIN));
    edit(1, E - 1, mask);
    rc = hook_prepare(hook, moe_model_config(model), HOOK_TRAIN);
    ck_fails(err(), rc, MOE_EINVAL, "leave 0 of 8 experts, want at least 1");
    for (int e = 0; e < E; e++)
        edit(1, e, e < 3 ? on : (struct moe_edit){.scale = 1});
    rc = moe_run_hook(run, hook);
    ck_fails(err(), rc, MOE_EINVAL,
             "layer 1: 3 experts are forced on, a token takes 2");
    edit(1, 0, (struct moe_edit){.scale = 1});
    rc = hook_prepare(hook, moe_model_config(model), HOOK_TRAIN);
    ck_fails(err(), rc, MOE_EINVAL, "training allows only masks");
    rc = moe_hook_edit(hook, L, 0, &on);
    ck_fails(err(), rc, MOE_EINVAL, "layer 2, want 0 to 1");
    rc = moe_hook_edit(hook, 0, -1, &on);
    ck_fails(err(), rc, MOE_EINVAL, "expert -1, want 0 to 7");
    rc = moe_hook_edit(hook, 0, 0, &(struct moe_edit){.spread = NAN});
    ck_fails(err(), rc, MOE_EINVAL, "must be finite");
    rc = moe_hook_normalise(hook, -1);
    ck_fails(err(), rc, MOE_EINVAL, "layer -1");
}
END_TEST

START_TEST(another_shape_is_refused)
{
    struct moe_hook *mine = hook;
    hook = NULL;
    teardown();
    open_model(&(struct tiny){.config = "{\"num_experts\":7}"});
    int rc = moe_run_hook(run, mine);
    ck_fails(err(), rc, MOE_ESHAPE, "the model has 2 of 7");
    moe_hook_destroy(&mine);
}
END_TEST

START_TEST(a_nan_is_named_under_a_hook_too)
{
    teardown();
    open_model(&(struct tiny){.nan = "model.layers.1.mlp.gate.weight"});
    edit(1, 0, (struct moe_edit){.rule = MOE_EDIT_MASK}); // the row of the NaN
    ck_ok(err(), moe_run_hook(run, hook));
    int rc = forward();
    ck_fails(err(), rc, MOE_ENUMERIC, "layer 1, sequence 0, token 0");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("hook");
    TCase *t = tcase_create("hook");
    tcase_set_timeout(t, 0);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_checked_fixture(t, NULL, support_free);
    tcase_add_test(t, no_edit_changes_no_bit);
    tcase_add_test(t, forced_experts_are_taken_by_every_token);
    tcase_add_test(t, suppressed_experts_are_taken_by_none);
    tcase_add_test(t, soft_edits_move_by_the_deviation);
    tcase_add_test(t, a_masked_expert_is_as_good_as_absent);
    tcase_add_test(t, edits_that_cannot_work_are_refused);
    tcase_add_test(t, another_shape_is_refused);
    tcase_add_test(t, a_nan_is_named_under_a_hook_too);
    suite_add_tcase(s, t);
    return support_main(s, 1);
}
