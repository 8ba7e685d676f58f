/*
 * check_target.c - what an adaptation trains, counted, and what it must leave
 * alone.
 *
 * Precondition: an OpenCL device for the second half.  Claims: the numbers of
 * parameters of study A to the unit; after 50 steps with decay every tensor
 * that is not trained, and every router row that is kept, has its old bits.
 */
#include "config.h"

#include "tests/tensors.h"
#include "tests/tiny.h"

#include <stdlib.h>
#include <string.h>

#include "adapt/target.h"
#include "model/weights.h"
#include "train/trainer.h"

/* ---- Counts of OLMoE-1B-7B ----------------------------------------------- */

enum { ONE_EXPERT = 6291456, ONE_ROUTER = 131072 };

static struct moe_config config;

static void
open_config(void)
{
    struct moe_err err = {0};
    ck_ok(&err,
          moe_config_read(&err, &config, SRCDIR "/tests/vectors/olmoe-1b-7b"));
}

static void
close_config(void)
{
    moe_config_free(&config);
}

static uint64_t
count(const char *const *text, size_t n, bool routers)
{
    struct moe_err err = {0};
    struct adapt_target t;
    struct moe_experts x;
    ck_ok(&err, adapt_target_init(&err, &t, &config));
    ck_ok(&err, moe_experts_parse(&err, &x, text, n, config.L, config.E));
    adapt_target_add(&t, &x, routers);
    const uint64_t parameters = adapt_parameters(&t, &config);
    moe_experts_free(&x);
    adapt_target_free(&t);
    return parameters;
}

START_TEST(experts_and_routers_are_counted)
{
    /* Catalan in study A: 6 experts in each of the last two layers. */
    static const char *const ca[] = {"15/6-8", "15/49", "15/58",
                                     "15/63",  "14/0",  "14/7",
                                     "14/19",  "14/27", "14/46-47"};
    static const char *const all[] = {"14-15/all"}, *const top[] = {
                                                        "14-15/0-19"};
    ck_assert_uint_eq(count(ca, 9, true),
                      12 * (uint64_t)ONE_EXPERT + 2 * ONE_ROUTER);
    ck_assert_uint_eq(count(ca, 9, false), 12 * (uint64_t)ONE_EXPERT);
    ck_assert_uint_eq(count(top, 1, true), 251920384); // 3.64 % of all
    ck_assert_uint_eq(count(all, 1, true), 805568512); // 11.64 %
    ck_assert_uint_eq(count(NULL, 0, true), 0);
}
END_TEST

START_TEST(layers_embeddings_and_everything_are_counted)
{
    struct moe_err err = {0};
    struct adapt_target t;
    struct moe_param_totals totals;
    ck_ok(&err, moe_param_count(&err, &totals, &config));
    ck_ok(&err, adapt_target_init(&err, &t, &config));
    t.embeddings = true;
    ck_assert_uint_eq(adapt_parameters(&t, &config),
                      totals.embedding + totals.head);
    t.embeddings = false;
    for (int l = 0; l < 16; l++)
        t.layer[l] = true;
    ck_assert_uint_eq(adapt_parameters(&t, &config),
                      totals.total - totals.embedding - totals.head - 2048);
    t.full = true;
    ck_assert_uint_eq(adapt_parameters(&t, &config), totals.total);
    adapt_target_free(&t);
}
END_TEST

/* ---- What must not move ---------------------------------------------------
 */

enum { B = 2, T = 9, V = 83, E = 8, L = 2, STEPS = 50 };

static struct moe_err *
err(void)
{
    return moe_ctx_err(support_ctx());
}

/* Train two experts of the last layer and its router. */
static void
train(struct trainer *t)
{
    int32_t ids[B * T], target[B * T];
    struct trainer_metrics m;
    for (int step = 0; step < STEPS; step++) {
        for (int i = 0; i < B * T; i++)
            ids[i] = (i * 37 + 11 * step) % V;
        for (int i = 0; i < B * T; i++)
            target[i] = (i + 1) % T ? ids[i + 1] : -1;
        ck_ok(err(), trainer_step(t, ids, target, B, &m));
    }
}

static bool
is_target(const struct param *p)
{
    return p->layer == 1 && param_scope(p->kind) == SCOPE_EXPERT &&
           (p->expert == 2 || p->expert == 5);
}

/* The parameters that the arena holds against the file's. */
static void
compare(const struct arena *a, const char *dir, bool rows_kept)
{
    struct weights w;
    size_t moved = 0, frozen = 0;
    ck_ok(err(), weights_open(err(), &w, dir));
    for (size_t i = 0; i < a->params; i++) {
        const struct arena_param *q = &a->param[i];
        const size_t n = (size_t)tensor_count(&q->w);
        float *got = support_alloc(n, sizeof *got);
        float *want = support_alloc(n, sizeof *want);
        ck_ok(err(), tensor_read(&q->w, got));
        ck_ok(err(), weights_read(err(), &w, &q->p, 0, want, n));
        const size_t row = n / E * sizeof *got;
        if (is_target(&q->p)) {
            ck_assert(memcmp(got, want, n * sizeof *got) != 0);
            moved++;
        } else if (q->p.kind == PARAM_ROUTER) {
            for (int e = 0; e < E; e++) {
                const bool same = memcmp(got + (size_t)e * (n / E),
                                         want + (size_t)e * (n / E), row) == 0;
                ck_assert_int_eq(same, rows_kept && e != 2 && e != 5);
            }
        } else {
            ck_assert_mem_eq(got, want, n * sizeof *got);
            frozen++;
        }
        support_free();
    }
    ck_assert_uint_eq(moved, 6);
    ck_assert_uint_eq(frozen, 3 * (E - 2)); // beside them in the layer
    weights_close(&w);
}

static void
adapt(bool keep_rows)
{
    static const char *const list[] = {"1/2", "1/5"};
    const char *dir = tiny_write("m", &(struct tiny){0});
    struct moe_model *model;
    struct moe_hook *hook;
    struct trainer *t;
    struct adapt_target target;
    struct moe_experts experts;
    ck_ok(err(), moe_model_load(support_ctx(), &model, dir));
    const struct moe_config *c = moe_model_config(model);
    ck_ok(err(), adapt_target_init(err(), &target, c));
    ck_ok(err(), moe_experts_parse(err(), &experts, list, 2, c->L, c->E));
    adapt_target_add(&target, &experts, true);
    target.keep_rows = keep_rows;
    ck_ok(err(), moe_hook_create(support_ctx(), &hook, c));
    ck_ok(err(), adapt_mask(hook, &target));
    const struct trainer_options opt = {
        .arena = {.trains = adapt_trains,
                  .decays = adapt_decays,
                  .arg = &target,
                  .decay_norms = true,
                  .decay_embeddings = true},
        .pass = {.B = B, .T = T, .loss = {.ce_positions = true}, .hook = hook},
        .schedule = {.kind = SCHEDULE_CONSTANT, .peak = 1e-3},
        .beta1 = 0.9,
        .beta2 = 0.95,
        .eps = 1e-8,
        .decay = 0.1,
        .clip = 1};
    ck_ok(err(), trainer_create(&t, model, &opt));
    train(t);
    compare(trainer_arena(t), dir, keep_rows);
    trainer_destroy(&t);
    moe_hook_destroy(&hook);
    moe_model_destroy(&model);
    moe_experts_free(&experts);
    adapt_target_free(&target);
}

START_TEST(what_is_frozen_keeps_its_bits)
{
    adapt(false);
}
END_TEST

START_TEST(router_rows_of_others_can_be_kept)
{
    adapt(true);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("target");
    TCase *counts = tcase_create("counts"), *steps = tcase_create("steps");
    tcase_add_checked_fixture(counts, open_config, close_config);
    tcase_add_test(counts, experts_and_routers_are_counted);
    tcase_add_test(counts, layers_embeddings_and_everything_are_counted);
    suite_add_tcase(s, counts);
    tcase_set_timeout(steps, 0);
    tcase_add_test(steps, what_is_frozen_keeps_its_bits);
    tcase_add_test(steps, router_rows_of_others_can_be_kept);
    suite_add_tcase(s, steps);
    return support_main(s, 1);
}
