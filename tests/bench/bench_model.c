/*
 * bench_model.c - new models of stated sizes.
 */
#include "config.h"

#include "tests/bench/bench_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/rng.h"
#include "base/str.h"
#include "model/init.h"

/* "olmoe" has two of the sixteen layers of OLMoE-1B-7B; "narrow" is little
 * more than its head. */
static const struct bench_shape shapes[] = {
    {"tiny", 256, 4, 8, 128, 16, 4, 50304, 8, 256},
    {"mini", 1024, 4, 16, 512, 32, 8, 50304, 4, 512},
    {"olmoe", 2048, 2, 16, 1024, 64, 8, 50304, 1, 2048},
    {"narrow", 64, 2, 4, 64, 8, 2, 50304, 4, 256},
    {"small", 128, 4, 4, 64, 16, 4, 50304, 8, 128}};

const struct bench_shape *
bench_shape(const char *name)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (strcmp(shapes[i].name, name) == 0)
            return &shapes[i];
    return NULL;
}

/* ---- The model ---------------------------------------------------------- */

static int
read_config(struct moe_err *err, struct moe_config *c,
            const struct bench_shape *s, const char *dir)
{
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
    int rc = fs_write(err, path, text, strlen(text));
    if (!rc)
        rc = moe_config_read(err, c, path);
    unlink(path);
    free(path);
    free(text);
    return rc;
}

static int
write_model(struct moe_err *err, const struct bench_shape *s, const char *dtype,
            const char *dir)
{
    struct moe_config c = {0};
    int rc = fs_mkdirs(err, dir, 0700);
    if (!rc)
        rc = read_config(err, &c, s, dir);
    if (!rc)
        rc = init_model(err, dir, &c, INIT_OLMO, 1,
                        strcmp(dtype, "bf16") == 0 ? DTYPE_BF16 : DTYPE_F32);
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
int
bench_model_load(struct moe_ctx *ctx, struct moe_model **out,
                 const struct bench_shape *s, const char *dtype,
                 const char *dir)
{
    struct moe_err *err = moe_ctx_err(ctx);
    char own[] = "/tmp/bench.XXXXXX";
    const char *at = dir ? dir : mkdtemp(own);
    if (!at)
        return moe_fail(err, MOE_EIO, "%s: cannot make it", own);
    char *config = str_path(at, "config.json");
    int rc =
        config && fs_exists(config) ? MOE_OK : write_model(err, s, dtype, at);
    if (!rc)
        rc = moe_model_load(ctx, out, at);
    if (!dir)
        remove_model(at);
    free(config);
    return rc;
}

void
bench_ids(int32_t *ids, int64_t n, int64_t V)
{
    for (int64_t i = 0; i < n; i++)
        ids[i] = (int32_t)(rng_uniform(1, 0, (uint64_t)i) * (double)V);
}

/* ---- Figures ------------------------------------------------------------ */

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double
bench_median(double *x, int64_t n)
{
    qsort(x, (size_t)n, sizeof *x, compare);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

int
bench_profile(struct moe_ctx *ctx)
{
    struct profile_row *row;
    size_t n;
    int rc = profile_rows(ctx, &row, &n);
    for (size_t i = 0; !rc && i < n; i++)
        fprintf(stderr, "%-24s %6llu %9.4f s\n", row[i].kernel,
                (unsigned long long)row[i].calls, row[i].seconds);
    if (!rc)
        free(row);
    return rc;
}
