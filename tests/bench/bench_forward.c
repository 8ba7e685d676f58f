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
#include <unistd.h>

#include <polymoe/model.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/options.h"
#include "base/rng.h"
#include "base/str.h"
#include "device/device.h"
#include "model/init.h"

struct shape {
    const char *name;
    int64_t D, L, H, F, E, K, V, B, T;
};

/* "olmoe" has two of the sixteen layers of OLMoE-1B-7B. */
static const struct shape shapes[] = {
    {"tiny", 256, 4, 8, 128, 16, 4, 50304, 8, 256},
    {"mini", 1024, 4, 16, 512, 32, 8, 50304, 4, 512},
    {"olmoe", 2048, 2, 16, 1024, 64, 8, 50304, 1, 2048}};

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
    {0, "shape", "NAME", "tiny, mini or olmoe (tiny)", OPTION_STRING,
     offsetof(struct bench_options, shape), 0, 0},
    {0, "steps", "N", "passes that are measured (3)", OPTION_INT,
     offsetof(struct bench_options, steps), 1, 1000},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};

static const struct option_set set = {
    "bench_forward", "[OPTION...]", "Measure the forward pass of a new model.",
    rows, NULL};

struct bench {
    struct bench_options opt;
    const struct shape *shape;
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

/* ---- The model ---------------------------------------------------------- */

static int
read_config(struct bench *b, struct moe_config *c, const char *dir)
{
    const struct shape *s = b->shape;
    char *path = str_path(dir, "shape.json");
    char *text = str_format(
        "{\"model_type\": \"olmoe\", \"vocab_size\": %d, \"hidden_size\": %d, "
        "\"intermediate_size\": %d, \"num_hidden_layers\": %d, "
        "\"num_attention_heads\": %d, \"num_experts\": %d, "
        "\"num_experts_per_tok\": %d, \"max_position_embeddings\": 4096}",
        (int)s->V, (int)s->D, (int)s->F, (int)s->L, (int)s->H, (int)s->E,
        (int)s->K);
    if (!path || !text)
        exit(EXIT_FAILURE);
    int rc = fs_write(&b->err, path, text, strlen(text));
    if (!rc)
        rc = moe_config_read(&b->err, c, path);
    unlink(path);
    free(path);
    free(text);
    return rc;
}

static int
write_model(struct bench *b, const char *dir)
{
    struct moe_config c = {0};
    bool bf16 = strcmp(b->opt.dtype, "bf16") == 0;
    int rc = fs_mkdirs(&b->err, dir, 0700);
    if (!rc)
        rc = read_config(b, &c, dir);
    if (!rc)
        rc = init_model(&b->err, dir, &c, INIT_OLMO, 1,
                        bf16 ? DTYPE_BF16 : DTYPE_F32);
    moe_config_free(&c);
    return rc;
}

static void
remove_model(const char *dir)
{
    struct moe_err err = {0};
    char **names;
    size_t n;
    if (fs_list(&err, &names, &n, dir, ""))
        return;
    for (size_t i = 0; i < n; i++) {
        char *path = str_path(dir, names[i]);
        if (path)
            unlink(path);
        free(path);
    }
    fs_list_free(names, n);
    rmdir(dir);
}

/* A model that is in a directory of its own is mapped, then removed. */
static int
load_model(struct bench *b)
{
    char own[] = "/tmp/bench_forward.XXXXXX";
    const char *dir = b->opt.model ? b->opt.model : mkdtemp(own);
    if (!dir)
        return moe_fail(&b->err, MOE_EIO, "%s: cannot make it", own);
    char *config = str_path(dir, "config.json");
    int rc = config && fs_exists(config) ? MOE_OK : write_model(b, dir);
    if (!rc)
        rc = moe_model_load(b->ctx, &b->model, dir);
    if (!b->opt.model)
        remove_model(dir);
    free(config);
    return rc;
}

/* ---- Passes ------------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double
median(double *x, int64_t n)
{
    qsort(x, (size_t)n, sizeof *x, compare);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

static void
print(struct bench *b, const char *what, double loss)
{
    const struct shape *s = b->shape;
    double tokens = (double)(s->B * s->T);
    double wall = median(b->seconds, b->opt.steps);
    double cpu = median(b->cpu, b->opt.steps);
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
    const struct shape *s = b->shape;
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
show_profile(struct bench *b)
{
    struct profile_row *row;
    size_t n;
    int rc = profile_rows(b->ctx, &row, &n);
    for (size_t i = 0; !rc && i < n; i++)
        fprintf(stderr, "%-24s %6llu %9.4f s\n", row[i].kernel,
                (unsigned long long)row[i].calls, row[i].seconds);
    if (!rc)
        free(row);
    return rc;
}

static int
run_all(struct bench *b)
{
    const struct shape *s = b->shape;
    struct moe_ctx_options opt = {.profile = b->opt.profile};
    b->ids = malloc((size_t)(s->B * s->T) * sizeof *b->ids);
    b->nll = malloc((size_t)(s->B * s->T) * sizeof *b->nll);
    b->seconds = malloc((size_t)b->opt.steps * sizeof *b->seconds);
    b->cpu = malloc((size_t)b->opt.steps * sizeof *b->cpu);
    if (!b->ids || !b->nll || !b->seconds || !b->cpu)
        return moe_fail(&b->err, MOE_ENOMEM, "bench_forward: out of memory");
    for (int64_t i = 0; i < s->B * s->T; i++)
        b->ids[i] = (int32_t)(rng_uniform(1, 0, (uint64_t)i) * (double)s->V);
    int rc = moe_ctx_create(&b->ctx, &opt, &b->err);
    if (!rc)
        rc = load_model(b);
    if (!rc)
        rc = measure(b, false);
    if (!rc && b->opt.profile)
        rc = show_profile(b);
    return rc ? rc : measure(b, true);
}

static const struct shape *
find_shape(const char *name)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (strcmp(shapes[i].name, name) == 0)
            return &shapes[i];
    return NULL;
}

int
main(int argc, char **argv)
{
    struct bench b = {.opt = {.shape = "tiny", .dtype = "f32", .steps = 3}};
    int first, rc = options_parse(&set, &b.opt, argc, argv, &first);
    if (rc != OPTIONS_GO_ON)
        return rc;
    b.shape = find_shape(b.opt.shape);
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
