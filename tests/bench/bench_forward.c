/*
 * bench_forward.c - tokens a second of a new model: a pass with all logits and
 * the loss, and a pass that ends at the last router.
 *
 *     bench_forward --shape mini --steps 5
 */
#include "config.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/options.h"
#include "tests/bench/bench_model.h"

struct bench_options {
    const char *shape, *dtype, *model;
    int64_t steps;
    bool profile;
};

static const struct option_row rows[] = {
    {0, "dtype", "TYPE", "f32 or bf16, of the weights (f32)", OPTION_STRING,
     offsetof(struct bench_options, dtype), 0, 0},
    {0, "model", "DIR", "keep the model there, use it when it is there",
     OPTION_STRING, offsetof(struct bench_options, model), 0, 0},
    {0, "profile", NULL, "seconds per kernel on standard error", OPTION_FLAG,
     offsetof(struct bench_options, profile), 0, 0},
    {0, "shape", "NAME", BENCH_SHAPES " (tiny)", OPTION_STRING,
     offsetof(struct bench_options, shape), 0, 0},
    {0, "steps", "N", "passes that are measured (3)", OPTION_INT,
     offsetof(struct bench_options, steps), 1, 1000},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};

static const struct option_set set = {
    "bench_forward", "[OPTION...]", "Measure the forward pass of a new model.",
    rows, NULL};

struct bench {
    struct bench_options opt;
    const struct bench_shape *shape;
    struct moe_err err;
    struct moe_ctx *ctx;
    struct moe_model *model;
    int32_t *ids;
    float *nll;
    double *seconds, *cpu; // (steps)
};

static const char *
words(struct bench *b)
{
    return b->ctx && *moe_ctx_err(b->ctx)->text ? moe_ctx_err(b->ctx)->text
                                                : b->err.text;
}

/* ---- Passes ------------------------------------------------------------- */

static void
print(struct bench *b, const char *what, double loss)
{
    const struct bench_shape *s = b->shape;
    double tokens = (double)(s->B * s->T);
    double wall = bench_median(b->seconds, b->opt.steps);
    double cpu = bench_median(b->cpu, b->opt.steps);
    printf("{\"bench\": \"%s\", \"shape\": \"%s\", \"dtype\": \"%s\", "
           "\"tokens_per_s\": %.1f, \"step_s\": %.4f, \"cpu_s\": %.4f, "
           "\"loss\": %.4f}\n",
           what, s->name, b->opt.dtype, tokens / wall, wall, cpu, loss);
    fflush(stdout);
}

/* The first pass is not counted: kernels are finished on their first use. */
static int
measure(struct bench *b, bool routers_only)
{
    const struct bench_shape *s = b->shape;
    struct moe_run *run;
    struct moe_run_options opt = {
        .B = s->B, .T = s->T, .routers_only = routers_only};
    int64_t counted = s->B * (s->T - 1);
    double loss = 0;
    int rc = moe_run_create(&run, b->model, &opt);
    for (int64_t i = -1; !rc && i < b->opt.steps; i++) {
        double start = clock_seconds(), cpu = (double)clock();
        rc = moe_run_forward(run, b->ids, s->B, s->T);
        if (!rc && !routers_only)
            rc = moe_run_nll(run, b->nll);
        if (i >= 0) {
            b->seconds[i] = clock_seconds() - start;
            b->cpu[i] = ((double)clock() - cpu) / CLOCKS_PER_SEC;
        }
    }
    moe_run_destroy(&run);
    for (int64_t i = 0; !routers_only && i < counted; i++)
        loss += (double)b->nll[i] / (double)counted;
    if (!rc)
        print(b, routers_only ? "routing" : "forward", loss);
    return rc;
}

static int
run_all(struct bench *b)
{
    const struct bench_shape *s = b->shape;
    struct moe_ctx_options opt = {.profile = b->opt.profile};
    b->ids = malloc((size_t)(s->B * s->T) * sizeof *b->ids);
    b->nll = malloc((size_t)(s->B * s->T) * sizeof *b->nll);
    b->seconds = malloc((size_t)b->opt.steps * sizeof *b->seconds);
    b->cpu = malloc((size_t)b->opt.steps * sizeof *b->cpu);
    if (!b->ids || !b->nll || !b->seconds || !b->cpu)
        return moe_fail(&b->err, MOE_ENOMEM, "bench_forward: out of memory");
    bench_ids(b->ids, s->B * s->T, s->V);
    int rc = moe_ctx_create(&b->ctx, &opt, &b->err);
    if (!rc)
        rc = bench_model_load(b->ctx, &b->model, s, b->opt.dtype, b->opt.model);
    if (!rc)
        rc = measure(b, false);
    if (!rc && b->opt.profile)
        rc = bench_profile(b->ctx);
    return rc ? rc : measure(b, true);
}

int
main(int argc, char **argv)
{
    struct bench b = {.opt = {.shape = "tiny", .dtype = "f32", .steps = 3}};
    int first, rc = options_parse(&set, &b.opt, argc, argv, &first);
    if (rc != OPTIONS_GO_ON)
        return rc;
    b.shape = bench_shape(b.opt.shape);
    if (!b.shape)
        return options_usage_error(&set, "--shape: found '%s'", b.opt.shape);
    if (strcmp(b.opt.dtype, "f32") != 0 && strcmp(b.opt.dtype, "bf16") != 0)
        return options_usage_error(&set, "--dtype: found '%s'", b.opt.dtype);
    rc = run_all(&b);
    if (rc)
        fprintf(stderr, "bench_forward: %s\n", words(&b));
    moe_model_destroy(&b.model);
    moe_ctx_destroy(&b.ctx);
    free(b.ids);
    free(b.nll);
    free(b.seconds);
    free(b.cpu);
    return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
