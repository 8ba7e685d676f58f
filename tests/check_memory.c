/*
 * check_memory.c - what training takes, against what its plan says.
 *
 * Precondition: a model with more than a few experts and tokens, so that no
 * tile is the largest part.  Claims: after a step the device holds what the
 * plan says, at each level of memory, with each type of weights, and when only
 * some parameters are trained; the files' memory is not kept; what cannot fit
 * is refused before anything is taken.  The largest buffer of a plan is the
 * largest that is made, whatever the device gives in one piece, and what is
 * refused is what does not fit by the plan.
 */
#include "config.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

#include "model/init.h"
#include "model/plan.h"
#include "train/trainer.h"

enum { B = 4, T = 64, VOCABULARY = 512 };

static const char source[] =
    "{\"model_type\": \"olmoe\", \"vocab_size\": 512, \"hidden_size\": 128,"
    " \"intermediate_size\": 64, \"num_hidden_layers\": 3,"
    " \"num_attention_heads\": 4, \"num_experts\": 8,"
    " \"num_experts_per_tok\": 2, \"max_position_embeddings\": 64}";

static const char *
model_write(struct moe_ctx *ctx)
{
    struct moe_err *err = moe_ctx_err(ctx);
    const char *path = support_path("config.json");
    const char *dir = support_path("model");
    struct moe_config c;
    support_write(path, source, strlen(source));
    ck_ok(err, moe_config_read(err, &c, path));
    ck_ok(err, init_model(err, dir, &c, INIT_OLMO, 1, DTYPE_F32));
    moe_config_free(&c);
    return dir;
}

static struct moe_model *
model_make(void)
{
    struct moe_ctx *ctx = support_ctx();
    struct moe_model *m;
    ck_ok(moe_ctx_err(ctx), moe_model_load(ctx, &m, model_write(ctx)));
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

static int
step(struct trainer *t)
{
    struct trainer_metrics metrics;
    int32_t ids[B * T], target[B * T];
    for (int i = 0; i < B * T; i++) {
        ids[i] = i * 37 % VOCABULARY;
        target[i] = (i + 1) % T ? (i + 1) * 37 % VOCABULARY : -1;
    }
    return trainer_step(t, ids, target, B, &metrics);
}

/* The bytes on the device after a step, less those before the model. */
static uint64_t
step_bytes(const struct trainer_options *opt, struct trainer_plan *plan)
{
    struct moe_ctx *ctx = support_ctx();
    uint64_t before = ctx_allocated(ctx);
    struct moe_model *m = model_make();
    struct trainer *t;
    ck_ok(moe_ctx_err(ctx),
          trainer_plan(moe_ctx_err(ctx), plan, &m->config, opt,
                       ctx_device(ctx)->max_alloc_bytes));
    ck_ok(moe_ctx_err(ctx), trainer_create(&t, m, opt));
    ck_ok(moe_ctx_err(ctx), step(t));
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
        ck_assert_uint_eq(plan.need.bytes, plan.arena + plan.pass);
        agree(levels[level], got, plan.need.bytes);
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
        agree(weights == 1 ? "bf16-master" : "bf16", got, plan.need.bytes);
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
    ck_ok(&err, trainer_plan(&err, &all, &m->config, &opt, UINT64_MAX));
    moe_model_destroy(&m);
    opt.arena.trains = some;
    uint64_t got = step_bytes(&opt, &plan);
    ck_assert_uint_gt(plan.frozen, 0);
    ck_assert_uint_lt(plan.pass, all.pass); // of the last layer alone
    bool mapped = ctx_device(support_ctx())->host_memory;
    agree("some", got, plan.need.bytes - (mapped ? plan.frozen : 0));
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

/* ---- The largest buffer -------------------------------------------------- */

/* A model that is used on a device: for passes of a shape, or trained. */
struct use {
    const char *name;
    struct moe_run_options run;
    struct trainer_options train;
};

static int
plan_use(struct moe_ctx *ctx, struct need *need, const struct use *u,
         const struct moe_config *c)
{
    struct trainer_plan training = {.arena = 0};
    struct plan passes = {0};
    int rc = u->run.T ? plan_model(moe_ctx_err(ctx), &passes, c, &u->run)
                      : trainer_plan(moe_ctx_err(ctx), &training, c, &u->train,
                                     ctx_device(ctx)->max_alloc_bytes);
    *need = u->run.T ? passes.need : training.need;
    return rc;
}

static int
train(struct moe_model *m, const struct trainer_options *opt)
{
    struct trainer *t;
    int rc = trainer_create(&t, m, opt);
    if (!rc)
        rc = step(t);
    trainer_destroy(&t);
    return rc;
}

static int
forward(struct moe_model *m, const struct moe_run_options *opt)
{
    int32_t ids[B * T] = {0};
    struct moe_run *run;
    int rc = moe_run_create(&run, m, opt);
    if (!rc)
        rc = moe_run_forward(run, ids, opt->B, opt->T);
    moe_run_destroy(&run);
    return rc;
}

/* What is made on a device of that limit has the planned largest buffer, or is
 * refused for what it needs in one piece.  Whether it was made. */
static bool
is_as_planned(const struct use *u, uint64_t limit, struct need *need)
{
    struct moe_ctx *ctx = support_limited(limit);
    struct moe_config c;
    struct moe_model *m;
    ck_ok(moe_ctx_err(ctx),
          moe_config_read(moe_ctx_err(ctx), &c, support_path("model")));
    ck_ok(moe_ctx_err(ctx), plan_use(ctx, need, u, &c));
    moe_config_free(&c);
    const bool fits = need_fits_piece(need, ctx_device(ctx));
    int rc = moe_model_load(ctx, &m, support_path("model"));
    if (!rc)
        rc = u->run.T ? forward(m, &u->run) : train(m, &u->train);
    moe_model_destroy(&m);
    ck_assert_msg(fits == !rc, "%s with %llu bytes: %s", u->name,
                  (unsigned long long)limit, moe_ctx_err(ctx)->text);
    if (fits)
        ck_assert_msg(ctx_largest(ctx) == need->largest,
                      "%s with %llu bytes: made %llu, planned %llu for %s",
                      u->name, (unsigned long long)limit,
                      (unsigned long long)ctx_largest(ctx),
                      (unsigned long long)need->largest, need->name);
    else
        ck_fails(moe_ctx_err(ctx), rc, MOE_EFIT, "bytes) in one piece");
    ck_assert_uint_eq(ctx_allocated(ctx), 0);
    moe_ctx_destroy(&ctx);
    return fits;
}

/* As the device is, with just enough in one piece, with less and less. */
static void
try_limits(const struct use *u)
{
    struct need need, other;
    ck_assert(is_as_planned(u, 0, &need));
    ck_assert(is_as_planned(u, need.largest, &other));
    ck_assert_uint_eq(other.largest, need.largest);
    for (uint64_t limit = need.largest - 1; limit >= 4096; limit = limit / 2)
        if (!is_as_planned(u, limit, &other))
            return;
    ck_abort_msg("%s is never refused", u->name);
}

START_TEST(the_largest_buffer_of_a_pass_is_planned)
{
    const struct use list[] = {
        {"one short sequence", .run = {.B = 1, .T = 7}},
        {"a batch", .run = {.B = B, .T = T}},
        {"routers", .run = {.B = B, .T = T, .routers_only = true}},
        {"everything",
         .run = {.B = B, .T = T, .keep_hidden = true, .keep_routing = true}},
        {"a cache", .run = {.B = 1, .T = T, .cache = 4096}}};
    model_write(support_ctx());
    try_limits(&list[_i]);
}
END_TEST

START_TEST(the_largest_buffer_of_training_is_planned)
{
    struct use u = {"training",
                    .train = options((enum acts_level)(_i % 3), _i / 3)};
    struct need need;
    model_write(support_ctx());
    for (int i = 0; i < 2; i++) {
        if (_i == 3 + ACTS_RECOMPUTE)
            try_limits(&u);
        else
            ck_assert(is_as_planned(&u, 0, &need));
        u.train.arena.trains = some; // an adaptation
    }
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
    tcase_add_loop_test(tc, the_largest_buffer_of_a_pass_is_planned, 0, 5);
    tcase_add_loop_test(tc, the_largest_buffer_of_training_is_planned, 0, 9);
    suite_add_tcase(suite, tc);
    return support_main(suite, 1);
}
