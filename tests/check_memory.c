/*
 * check_memory.c - what training takes, against what its plan says.
 *
 * Precondition: a model with more than a few experts and tokens, so that no
 * tile is the largest part.  Claims: after a step the device holds what the
 * plan says, at each level of memory, with each type of weights, and when only
 * some parameters are trained; the files' memory is not kept; what cannot fit
 * is refused before anything is taken.
 */
#include "config.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

#include "model/init.h"
#include "train/trainer.h"

enum { B = 4, T = 64, VOCABULARY = 512 };

static const char source[] =
    "{\"model_type\": \"olmoe\", \"vocab_size\": 512, \"hidden_size\": 128,"
    " \"intermediate_size\": 64, \"num_hidden_layers\": 3,"
    " \"num_attention_heads\": 4, \"num_experts\": 8,"
    " \"num_experts_per_tok\": 2, \"max_position_embeddings\": 64}";

static struct moe_model *
model_make(void)
{
    struct moe_ctx *ctx = support_ctx();
    struct moe_err *err = moe_ctx_err(ctx);
    const char *path = support_path("config.json");
    const char *dir = support_path("model");
    struct moe_config c;
    struct moe_model *m;
    support_write(path, source, strlen(source));
    ck_ok(err, moe_config_read(err, &c, path));
    ck_ok(err, init_model(err, dir, &c, INIT_OLMO, 1, DTYPE_F32));
    moe_config_free(&c);
    ck_ok(err, moe_model_load(ctx, &m, dir));
    return m;
}

static struct trainer_options
options(enum acts_level level, int weights)
{
    return (struct trainer_options){
        .arena = {.weights = weights ? DTYPE_BF16 : DTYPE_F32,
                  .master = weights == 1},
        .pass = {.B = B, .T = T, .level = level, .loss = loss_olmoe},
        .schedule = {.kind = SCHEDULE_CONSTANT, .peak = 1e-3},
        .beta1 = 0.9,
        .beta2 = 0.95,
        .eps = 1e-8,
        .clip = 1};
}

/* The bytes on the device after a step, less those before the model. */
static uint64_t
step_bytes(const struct trainer_options *opt, struct trainer_plan *plan)
{
    struct moe_ctx *ctx = support_ctx();
    uint64_t before = ctx_allocated(ctx);
    struct moe_model *m = model_make();
    struct trainer_metrics metrics;
    struct trainer *t;
    int32_t ids[B * T], target[B * T];
    for (int i = 0; i < B * T; i++) {
        ids[i] = i * 37 % VOCABULARY;
        target[i] = (i + 1) % T ? (i + 1) * 37 % VOCABULARY : -1;
    }
    ck_ok(moe_ctx_err(ctx),
          trainer_plan(moe_ctx_err(ctx), plan, &m->config, opt));
    ck_ok(moe_ctx_err(ctx), trainer_create(&t, m, opt));
    ck_ok(moe_ctx_err(ctx), trainer_step(t, ids, target, B, &metrics));
    uint64_t bytes = ctx_allocated(ctx) - before;
    trainer_destroy(&t);
    moe_model_destroy(&m);
    ck_assert_uint_eq(ctx_allocated(ctx), before);
    return bytes;
}

static void
agree(const char *what, uint64_t got, uint64_t want)
{
    ck_assert_msg(got <= want + want / 20 && want <= got + got / 20,
                  "%s: %llu bytes on the device, %llu by plan", what,
                  (unsigned long long)got, (unsigned long long)want);
}

START_TEST(device_holds_what_the_plan_says)
{
    static const char *const levels[] = {"keep", "recompute", "blocks"};
    uint64_t last = UINT64_MAX;
    for (int level = ACTS_KEEP; level <= ACTS_BLOCKS; level++) {
        struct trainer_options opt = options((enum acts_level)level, 0);
        struct trainer_plan plan;
        uint64_t got = step_bytes(&opt, &plan);
        ck_assert_uint_eq(plan.frozen, 0);
        ck_assert_uint_eq(plan.total, plan.arena + plan.pass);
        agree(levels[level], got, plan.total);
        ck_assert_uint_lt(got, last); // each level saves something
        last = got;
    }
}
END_TEST

START_TEST(weights_of_every_type_are_planned)
{
    for (int weights = 1; weights <= 2; weights++) {
        struct trainer_options opt = options(ACTS_KEEP, weights);
        struct trainer_plan plan;
        uint64_t got = step_bytes(&opt, &plan);
        agree(weights == 1 ? "bf16-master" : "bf16", got, plan.total);
    }
}
END_TEST

/* One router and one expert of the last layer. */
static bool
some(const void *arg, const struct param *p)
{
    (void)arg;
    return p->layer == 2 &&
           (p->kind == PARAM_ROUTER ||
            (param_group(p->kind) == GROUP_EXPERT && p->expert == 3));
}

START_TEST(frozen_weights_are_planned)
{
    struct trainer_options opt = options(ACTS_KEEP, 0);
    struct trainer_plan plan, all;
    struct moe_err err = {0};
    struct moe_model *m = model_make();
    ck_ok(&err, trainer_plan(&err, &all, &m->config, &opt));
    moe_model_destroy(&m);
    opt.arena.trains = some;
    uint64_t got = step_bytes(&opt, &plan);
    ck_assert_uint_gt(plan.frozen, 0);
    ck_assert_uint_lt(plan.pass, all.pass); // of the last layer alone
    bool mapped = ctx_device(support_ctx())->host_memory;
    agree("some", got, plan.total - (mapped ? plan.frozen : 0));
}
END_TEST

START_TEST(too_much_is_refused_before_it_is_taken)
{
    struct moe_ctx *ctx = support_ctx();
    struct moe_model *m = model_make();
    struct trainer_options opt = options(ACTS_BLOCKS, 0);
    uint64_t before = ctx_allocated(ctx);
    struct trainer *t;
    opt.pass.B = 1 << 22;
    ck_fails(moe_ctx_err(ctx), trainer_create(&t, m, &opt), MOE_EFIT,
             "training, by its plan: needs");
    ck_assert(strstr(moe_ctx_err(ctx)->text, " has ") != NULL);
    ck_assert_ptr_null(t);
    ck_assert_uint_eq(ctx_allocated(ctx), before);
    moe_model_destroy(&m);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("memory");
    TCase *tc = tcase_create("memory");
    tcase_add_test(tc, device_holds_what_the_plan_says);
    tcase_add_test(tc, weights_of_every_type_are_planned);
    tcase_add_test(tc, frozen_weights_are_planned);
    tcase_add_test(tc, too_much_is_refused_before_it_is_taken);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
