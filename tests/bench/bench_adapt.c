/*
 * bench_adapt.c - SSFT steps of a new model, without and with the cache of
 * what lies below the trained layers: experts and routers of the last two.
 *
 *     bench_adapt --shape mini --steps 3
 */
#include "config.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/options.h"
#include "tests/bench/bench_model.h"
#include "train/trainer.h"

struct bench_options {
    const char *shape, *model;
    int64_t steps, experts;
};

static const struct option_row rows[] = {
    {0, "experts", "N", "experts trained in each of the two layers (11)",
     OPTION_INT, offsetof(struct bench_options, experts), 1, 65536},
    {0, "model", "DIR", "keep the model there, use it when it is there",
     OPTION_STRING, offsetof(struct bench_options, model), 0, 0},
    {0, "shape", "NAME", BENCH_SHAPES " (tiny)", OPTION_STRING,
     offsetof(struct bench_options, shape), 0, 0},
    {0, "steps", "N", "steps that are measured (3)", OPTION_INT,
     offsetof(struct bench_options, steps), 1, 1000},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};

static const struct option_set set = {
    "bench_adapt", "[OPTION...]",
    "Measure the adaptation of experts and routers of the last two layers.",
    rows, NULL};

struct bench {
    struct bench_options opt;
    const struct bench_shape *shape;
    struct moe_err err;
    struct moe_ctx *ctx;
    int32_t *ids, *target; // (B,T)
    double *seconds;       // (steps)
};

static bool
trains(const void *arg, const struct param *p)
{
    const struct bench *b = arg;
    if (param_scope(p->kind) == SCOPE_MODEL || p->layer < b->shape->L - 2)
        return false;
    return p->kind == PARAM_ROUTER ||
           (param_group(p->kind) == GROUP_EXPERT && p->expert < b->opt.experts);
}

static int
make(struct bench *b)
{
    const struct bench_shape *s = b->shape;
    const int64_t n = s->B * s->T;
    b->ids = mem_zero((size_t)n, sizeof *b->ids);
    b->target = mem_zero((size_t)n, sizeof *b->target);
    b->seconds = mem_zero((size_t)b->opt.steps, sizeof *b->seconds);
    if (!b->ids || !b->target || !b->seconds)
        return moe_fail(&b->err, MOE_ENOMEM, "out of memory");
    bench_ids(b->ids, n, s->V);
    for (int64_t i = 0; i < n; i++)
        b->target[i] = (i + 1) % s->T ? b->ids[i + 1] : -1;
    return moe_ctx_create(&b->ctx, &(struct moe_ctx_options){0}, &b->err);
}

/* The first step is not counted: it finishes kernels and fills the cache. */
static int
run(struct bench *b, struct trainer *t, const char *what)
{
    const double tokens = (double)(b->shape->B * b->shape->T);
    struct trainer_metrics m = {0};
    int rc = MOE_OK;
    for (int64_t i = -1; !rc && i < b->opt.steps; i++) {
        rc = trainer_step(t, b->ids, b->target, b->shape->B, &m);
        if (i >= 0)
            b->seconds[i] = m.seconds;
    }
    if (rc)
        return rc;
    const double s = bench_median(b->seconds, b->opt.steps);
    printf("{\"bench\": \"adapt\", \"shape\": \"%s\", \"cache\": \"%s\", "
           "\"tokens_per_s\": %.1f, \"step_s\": %.4f, \"forward_s\": %.4f, "
           "\"backward_s\": %.4f, \"optimizer_s\": %.4f, \"loss\": %.6f}\n",
           b->shape->name, what, tokens / s, s, m.forward_s, m.backward_s,
           m.optimizer_s, m.loss);
    fflush(stdout);
    return MOE_OK;
}

static int
measure(struct bench *b, struct prefix *prefix)
{
    const struct trainer_options opt = {
        .arena = {.trains = trains, .arg = b, .weights = DTYPE_F32},
        .pass = {.B = b->shape->B, .T = b->shape->T, .prefix = prefix},
        .schedule = {.kind = SCHEDULE_CONSTANT, .peak = 1e-4},
        .beta1 = 0.9,
        .beta2 = 0.95,
        .eps = 1e-8,
        .decay = 0.1,
        .clip = 1};
    struct moe_model *model = NULL;
    struct trainer *t = NULL;
    int rc = bench_model_load(b->ctx, &model, b->shape, "f32", b->opt.model);
    if (!rc)
        rc = trainer_create(&t, model, &opt);
    if (!rc)
        rc = run(b, t, prefix ? "on" : "off");
    trainer_destroy(&t);
    moe_model_destroy(&model);
    return rc;
}

static int
measure_cached(struct bench *b)
{
    char dir[] = "/tmp/bench.XXXXXX";
    struct prefix *prefix;
    if (!mkdtemp(dir))
        return moe_fail(&b->err, MOE_EIO, "%s: cannot make it", dir);
    const struct prefix_options opt = {.dir = dir,
                                       .identity = "bench",
                                       .bytes = UINT64_C(1) << 32,
                                       .D = b->shape->D};
    int rc = prefix_open(&b->err, &prefix, &opt);
    if (!rc)
        rc = measure(b, prefix);
    prefix_close(&prefix);
    fs_remove_dir(NULL, dir);
    return rc;
}

int
main(int argc, char **argv)
{
    struct bench b = {.opt = {.shape = "tiny", .steps = 3, .experts = 11}};
    int first, rc = options_parse(&set, &b.opt, argc, argv, &first);
    if (rc != OPTIONS_GO_ON)
        return rc;
    b.shape = bench_shape(b.opt.shape);
    if (!b.shape)
        return options_usage_error(&set, "--shape: found '%s', want %s",
                                   b.opt.shape, BENCH_SHAPES);
    rc = make(&b);
    if (!rc)
        rc = measure(&b, NULL);
    if (!rc)
        rc = measure_cached(&b);
    if (rc)
        fprintf(stderr, "bench_adapt: %s\n",
                b.ctx && *moe_ctx_err(b.ctx)->text ? moe_ctx_err(b.ctx)->text
                                                   : b.err.text);
    moe_ctx_destroy(&b.ctx);
    free(b.ids);
    free(b.target);
    free(b.seconds);
    return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
