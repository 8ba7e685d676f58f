/*
 * bench_train.c - training steps of a new model: tokens a second, where the
 * time goes, and the memory they take beside what the plan says.
 *
 *     bench_train --shape mini --steps 3
 */
#include "config.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/options.h"
#include "tests/bench/bench_model.h"
#include "train/trainer.h"

struct bench_options {
    const char *shape, *weights, *memory, *model, *dtype;
    int64_t steps, batch, micro;
    bool profile;
};

static const struct option_row rows[] = {
    {0, "batch", "N", "sequences a step (those of the shape)", OPTION_INT,
     offsetof(struct bench_options, batch), 1, 65536},
    {0, "dtype", "TYPE", "f32 or bf16, of the file of weights (f32)",
     OPTION_STRING, offsetof(struct bench_options, dtype), 0, 0},
    {0, "memory", "LEVEL", "keep, recompute or blocks (keep)", OPTION_STRING,
     offsetof(struct bench_options, memory), 0, 0},
    {0, "micro-batch", "N", "sequences at a time (those of the shape)",
     OPTION_INT, offsetof(struct bench_options, micro), 1, 65536},
    {0, "model", "DIR", "keep the model there, use it when it is there",
     OPTION_STRING, offsetof(struct bench_options, model), 0, 0},
    {0, "profile", NULL, "seconds per kernel on standard error", OPTION_FLAG,
     offsetof(struct bench_options, profile), 0, 0},
    {0, "shape", "NAME", BENCH_SHAPES " (tiny)", OPTION_STRING,
     offsetof(struct bench_options, shape), 0, 0},
    {0, "steps", "N", "steps that are measured (3)", OPTION_INT,
     offsetof(struct bench_options, steps), 1, 1000},
    {0, "weights", "TYPE", "f32, bf16-master or bf16 (f32)", OPTION_STRING,
     offsetof(struct bench_options, weights), 0, 0},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};

static const struct option_set set = {
    "bench_train", "[OPTION...]",
    "Measure training steps of a new model: AdamW on everything, losses as "
    "OLMoE.",
    rows, NULL};

struct bench {
    struct bench_options opt;
    const struct bench_shape *shape;
    struct trainer_options train;
    struct moe_err err;
    struct moe_ctx *ctx;
    struct moe_model *model;
    struct trainer *trainer;
    int32_t *ids, *target; // (B,T)
    double *part[4];       // (steps) each: seconds of the phases
};

static const char *
words(struct bench *b)
{
    return b->ctx && *moe_ctx_err(b->ctx)->text ? moe_ctx_err(b->ctx)->text
                                                : b->err.text;
}

/* ---- Options ------------------------------------------------------------ */

/* Place of a word in "a|b|c"-like lists; n when it is in none. */
static int
find(const char *word, const char *const *list, int n)
{
    int i = 0;
    while (i < n && strcmp(word, list[i]) != 0)
        i++;
    return i;
}

static const char *const levels[] = {"keep", "recompute", "blocks"};
static const char *const types[] = {"f32", "bf16-master", "bf16"};

static void
set_options(struct bench *b, int level, int type)
{
    const struct bench_shape *s = b->shape;
    b->train = (struct trainer_options){
        .arena = {.decay_norms = true,
                  .decay_embeddings = true,
                  .weights = type ? DTYPE_BF16 : DTYPE_F32,
                  .master = type == 1},
        .pass = {.B = b->opt.micro ? b->opt.micro : s->B,
                 .T = s->T,
                 .level = (enum acts_level)level,
                 .loss = loss_olmoe},
        .schedule = {.kind = SCHEDULE_CONSTANT, .peak = 1e-4},
        .beta1 = 0.9,
        .beta2 = 0.95,
        .eps = 1e-8,
        .decay = 0.1,
        .clip = 1,
        .seed = 1};
}

/* ---- Steps -------------------------------------------------------------- */

static int
make(struct bench *b)
{
    const struct bench_shape *s = b->shape;
    int64_t n = b->opt.batch * s->T;
    size_t steps = (size_t)b->opt.steps;
    struct moe_ctx_options opt = {.profile = b->opt.profile};
    bool ok = (b->ids = mem_zero((size_t)n, sizeof *b->ids)) != NULL;
    ok = ok && (b->target = mem_zero((size_t)n, sizeof *b->target));
    for (int i = 0; ok && i < 4; i++)
        ok = (b->part[i] = mem_zero(steps, sizeof **b->part)) != NULL;
    if (!ok)
        return moe_fail(&b->err, MOE_ENOMEM, "out of memory");
    bench_ids(b->ids, n, s->V);
    for (int64_t i = 0; i < n; i++)
        b->target[i] = (i + 1) % s->T ? b->ids[i + 1] : -1;
    int rc = moe_ctx_create(&b->ctx, &opt, &b->err);
    if (!rc)
        rc = bench_model_load(b->ctx, &b->model, s, b->opt.dtype, b->opt.model);
    return rc ? rc : trainer_create(&b->trainer, b->model, &b->train);
}

/* The first step is not counted: kernels are finished on their first use. */
static int
run(struct bench *b, struct trainer_metrics *m)
{
    int rc = MOE_OK;
    for (int64_t i = -1; !rc && i < b->opt.steps; i++) {
        rc = trainer_step(b->trainer, b->ids, b->target, b->opt.batch, m);
        const double x[] = {m->seconds, m->forward_s, m->backward_s,
                            m->optimizer_s};
        for (int k = 0; i >= 0 && k < 4; k++)
            b->part[k][i] = x[k];
    }
    return rc;
}

static int
print(struct bench *b, const struct trainer_metrics *m)
{
    const struct bench_shape *s = b->shape;
    struct trainer_plan plan;
    double x[4], tokens = (double)(b->opt.batch * s->T);
    int rc = trainer_plan(&b->err, &plan, moe_model_config(b->model), &b->train,
                          ctx_device(b->ctx)->max_alloc_bytes);
    if (rc)
        return rc;
    for (int k = 0; k < 4; k++)
        x[k] = bench_median(b->part[k], b->opt.steps);
    printf("{\"bench\": \"train\", \"shape\": \"%s\", \"weights\": \"%s\", "
           "\"memory\": \"%s\", \"tokens\": %.0f, \"tokens_per_s\": %.1f, "
           "\"step_s\": %.4f, "
           "\"forward_s\": %.4f, \"backward_s\": %.4f, \"optimizer_s\": %.4f, "
           "\"loss\": %.4f, \"plan_mib\": %.1f, \"device_mib\": %.1f, "
           "\"peak_mib\": %.1f}\n",
           s->name, b->opt.weights, b->opt.memory, tokens, tokens / x[0], x[0],
           x[1], x[2], x[3], m->loss, (double)plan.need.bytes / (1 << 20),
           (double)ctx_allocated(b->ctx) / (1 << 20),
           (double)mem_resident_peak() / (1 << 20));
    fflush(stdout);
    return MOE_OK;
}

int
main(int argc, char **argv)
{
    struct bench b = {.opt = {.shape = "tiny",
                              .weights = "f32",
                              .memory = "keep",
                              .dtype = "f32",
                              .steps = 3}};
    struct trainer_metrics m;
    int first, rc = options_parse(&set, &b.opt, argc, argv, &first);
    if (rc != OPTIONS_GO_ON)
        return rc;
    int level = find(b.opt.memory, levels, 3),
        type = find(b.opt.weights, types, 3);
    b.shape = bench_shape(b.opt.shape);
    if (!b.shape || level == 3 || type == 3)
        return options_usage_error(&set,
                                   "--shape, --memory, --weights: found "
                                   "'%s', '%s', '%s'",
                                   b.opt.shape, b.opt.memory, b.opt.weights);
    if (!b.opt.batch)
        b.opt.batch = b.shape->B;
    set_options(&b, level, type);
    rc = make(&b);
    if (!rc)
        rc = run(&b, &m);
    if (!rc)
        rc = print(&b, &m);
    if (!rc && b.opt.profile)
        rc = bench_profile(b.ctx);
    if (rc)
        fprintf(stderr, "bench_train: %s\n", words(&b));
    trainer_destroy(&b.trainer);
    moe_model_destroy(&b.model);
    moe_ctx_destroy(&b.ctx);
    free(b.ids);
    free(b.target);
    for (int i = 0; i < 4; i++)
        free(b.part[i]);
    return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
