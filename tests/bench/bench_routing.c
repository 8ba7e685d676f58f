/*
 * bench_routing.c - what counting the routing adds to a forward pass.
 *
 *     bench_routing --shape mini --steps 5
 *
 * Passes that end at the last router, with and without every counter of an
 * analysis, in turns; the medians and their ratio.
 */
#include "config.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/options.h"
#include "model/model.h"
#include "routing/choices.h"
#include "routing/collect.h"
#include "tests/bench/bench_model.h"

struct bench_options {
    const char *shape, *dtype, *model;
    int64_t steps;
};

static const struct option_row rows[] = {
    {0, "dtype", "TYPE", "f32 or bf16, of the weights (f32)", OPTION_STRING,
     offsetof(struct bench_options, dtype), 0, 0},
    {0, "model", "DIR", "keep the model there, use it when it is there",
     OPTION_STRING, offsetof(struct bench_options, model), 0, 0},
    {0, "shape", "NAME", BENCH_SHAPES " (tiny)", OPTION_STRING,
     offsetof(struct bench_options, shape), 0, 0},
    {0, "steps", "N", "passes of each kind that are measured (5)", OPTION_INT,
     offsetof(struct bench_options, steps), 1, 1000},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};

static const struct option_set set = {
    "bench_routing", "[OPTION...]",
    "Measure what counting the routing adds to a forward pass.", rows, NULL};

struct bench {
    struct bench_options opt;
    const struct bench_shape *shape;
    struct moe_err err;
    struct moe_ctx *ctx;
    struct moe_model *model;
    struct moe_run *run;
    struct collect *collect;
    struct choices *choices;
    struct moe_routing table;
    struct moe_routing_language *language;
    int32_t *ids;
    double *seconds[2]; // (steps) without, with
};

static int
see(void *arg, int64_t layer, const struct tensor *logits,
    const struct tensor *probs, const struct tensor *idx,
    const struct tensor *weight, int64_t N)
{
    struct bench *b = arg;
    int rc = collect_layer(b->collect, layer, logits, probs, idx, weight, N);
    return rc ? rc : choices_layer(b->choices, layer, idx);
}

static int
pass(struct bench *b, bool count)
{
    const int64_t B = b->shape->B, T = b->shape->T;
    const struct collect_segment all = {0, B * T, 0};
    run_observe_router(b->run, count ? see : NULL, b);
    int rc = count ? collect_begin(b->collect, &all, 1) : MOE_OK;
    choices_begin(b->choices, B * T);
    if (!rc)
        rc = moe_run_forward(b->run, b->ids, B, T);
    if (!rc && count)
        rc = collect_end(b->collect, b->language);
    if (!rc && count)
        rc = choices_end(b->choices, b->ids);
    return rc ? rc : ctx_finish(b->ctx);
}

/* The first two passes are not counted: kernels are finished then. */
static int
measure(struct bench *b)
{
    int rc = MOE_OK;
    for (int64_t i = -1; !rc && i < b->opt.steps; i++)
        for (int count = 0; !rc && count < 2; count++) {
            const double start = clock_seconds();
            rc = pass(b, count);
            if (i >= 0)
                b->seconds[count][i] = clock_seconds() - start;
        }
    if (rc)
        return rc;
    const double plain = bench_median(b->seconds[0], b->opt.steps);
    const double counted = bench_median(b->seconds[1], b->opt.steps);
    printf("{\"bench\": \"routing counters\", \"shape\": \"%s\", \"dtype\": "
           "\"%s\", \"plain_s\": %.4f, \"counted_s\": %.4f, \"ratio\": %.4f}\n",
           b->shape->name, b->opt.dtype, plain, counted, counted / plain);
    return MOE_OK;
}

static int
make(struct bench *b)
{
    const struct bench_shape *s = b->shape;
    const struct moe_config *c = moe_model_config(b->model);
    const int32_t layer[] = {0, (int32_t)(c->L / 2), (int32_t)(c->L - 1)};
    const struct choices_options opt = {true, layer, 3, c->V};
    const struct moe_run_options run = {
        .B = s->B, .T = s->T, .routers_only = true};
    int rc = moe_run_create(&b->run, b->model, &run);
    if (!rc)
        rc = collect_create(b->ctx, &b->collect, s->B * s->T, c->L, c->E, c->K);
    if (!rc)
        rc = choices_create(b->ctx, &b->choices, s->B * s->T, c->L, c->E, c->K,
                            &opt);
    if (!rc)
        rc = moe_routing_init(moe_ctx_err(b->ctx), &b->table, c->L, c->E, c->K);
    return rc ? rc
              : moe_routing_add(moe_ctx_err(b->ctx), &b->table, "xx",
                                &b->language);
}

static int
run_all(struct bench *b)
{
    const struct bench_shape *s = b->shape;
    struct moe_ctx_options opt = {0};
    b->ids = malloc((size_t)(s->B * s->T) * sizeof *b->ids);
    b->seconds[0] = malloc((size_t)b->opt.steps * sizeof(double));
    b->seconds[1] = malloc((size_t)b->opt.steps * sizeof(double));
    if (!b->ids || !b->seconds[0] || !b->seconds[1])
        return moe_fail(&b->err, MOE_ENOMEM, "bench_routing: out of memory");
    bench_ids(b->ids, s->B * s->T, s->V);
    int rc = moe_ctx_create(&b->ctx, &opt, &b->err);
    if (!rc)
        rc = bench_model_load(b->ctx, &b->model, s, b->opt.dtype, b->opt.model);
    if (!rc)
        rc = make(b);
    return rc ? rc : measure(b);
}

int
main(int argc, char **argv)
{
    struct bench b = {.opt = {.shape = "tiny", .dtype = "f32", .steps = 5}};
    int first, rc = options_parse(&set, &b.opt, argc, argv, &first);
    if (rc != OPTIONS_GO_ON)
        return rc;
    b.shape = bench_shape(b.opt.shape);
    if (!b.shape)
        return options_usage_error(&set, "--shape: found '%s'", b.opt.shape);
    rc = run_all(&b);
    if (rc)
        fprintf(stderr, "bench_routing: %s\n",
                b.ctx && *moe_ctx_err(b.ctx)->text ? moe_ctx_err(b.ctx)->text
                                                   : b.err.text);
    choices_destroy(&b.choices);
    collect_destroy(&b.collect);
    moe_run_destroy(&b.run);
    moe_model_destroy(&b.model);
    moe_ctx_destroy(&b.ctx);
    moe_routing_free(&b.table);
    free(b.ids);
    free(b.seconds[0]);
    free(b.seconds[1]);
    return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
