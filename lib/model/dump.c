/*
 * dump.c - a forward pass into a file.
 *
 * A pass takes as many rows of the batch as make about PASS_TOKENS tokens, and
 * its results go to their places in the file at once.
 */
#include "model/dump.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "io/safetensors.h"
#include "model/run.h"

enum { PASS_TOKENS = 1024, LOGIT_ROWS = 64 };

enum { OUT_LOGITS, OUT_SCORES, OUT_IDX, OUT_WEIGHT, OUT_HIDDEN, OUTPUTS };

struct dump {
    struct moe_model *model;
    const struct token_batch *batch;
    const struct dump_options *opt;
    struct moe_run *run;
    struct st_writer writer;
    struct st_entry entry[OUTPUTS];
    void *room;          // for one tensor of one pass, or LOGIT_ROWS of logits
    float *nll;          // of one pass
    int64_t first, rows; // sequences of the current pass
    double sum;          // of all likelihoods so far
};

static void
describe(struct dump *d)
{
    const struct moe_config *c = moe_model_config(d->model);
    int64_t B = d->batch->B, T = d->batch->T, N = B * T;
    d->entry[OUT_LOGITS] = (struct st_entry){
        .name = "logits", .dtype = DTYPE_F32, .rank = 3, .dim = {B, T, c->V}};
    d->entry[OUT_SCORES] = (struct st_entry){.name = "router_logits",
                                             .dtype = DTYPE_F32,
                                             .rank = 3,
                                             .dim = {c->L, N, c->E}};
    d->entry[OUT_IDX] = (struct st_entry){.name = "router_indices",
                                          .dtype = DTYPE_I32,
                                          .rank = 3,
                                          .dim = {c->L, N, c->K}};
    d->entry[OUT_WEIGHT] = (struct st_entry){.name = "router_weights",
                                             .dtype = DTYPE_F32,
                                             .rank = 3,
                                             .dim = {c->L, N, c->K}};
    d->entry[OUT_HIDDEN] = (struct st_entry){.name = "hidden",
                                             .dtype = DTYPE_F32,
                                             .rank = 4,
                                             .dim = {c->L + 1, B, T, c->D}};
}

static struct moe_err *
err_of(struct dump *d)
{
    return moe_ctx_err(d->model->ctx);
}

/* Tokens of this pass, and those before it. */
static int64_t
here(const struct dump *d)
{
    return d->rows * d->batch->T;
}

static int64_t
before(const struct dump *d)
{
    return d->first * d->batch->T;
}

/* Layer `l` of a tensor of shape (., N, columns), the tokens of this pass;
 * every element has four bytes. */
static int
put_layer(struct dump *d, int output, int64_t l, int64_t columns)
{
    int64_t N = d->batch->B * d->batch->T;
    uint64_t at = (uint64_t)((l * N + before(d)) * columns) * 4;
    return safetensors_put(err_of(d), &d->writer, (size_t)output, at, d->room,
                           (size_t)(here(d) * columns) * 4);
}

/* A head_see_fn: logits of rows of this pass, as they are made. */
static int
put_logits(void *dump, int64_t row, int64_t rows)
{
    struct dump *d = dump;
    const uint64_t size = (uint64_t)moe_model_config(d->model)->V * 4;
    int rc = MOE_OK;
    for (int64_t i = 0, n; !rc && i < rows; i += n) {
        n = rows - i < LOGIT_ROWS ? rows - i : LOGIT_ROWS;
        rc = buffer_read(d->run->logits.buf, (uint64_t)i * size, d->room,
                         (uint64_t)n * size);
        if (!rc)
            rc = safetensors_put(err_of(d), &d->writer, OUT_LOGITS,
                                 (uint64_t)(before(d) + row + i) * size,
                                 d->room, (size_t)n * size);
    }
    return rc;
}

/* Logits and likelihoods from one use of the head. */
static int
put_head(struct dump *d)
{
    int rc = head_pass(d->run, d->nll, put_logits, d);
    for (int64_t i = 0; !rc && i < d->rows * (d->batch->T - 1); i++)
        d->sum += d->nll[i];
    return rc;
}

static int
put_routing(struct dump *d)
{
    const struct moe_config *c = moe_model_config(d->model);
    int rc = MOE_OK;
    for (int64_t l = 0; !rc && l < c->L; l++) {
        rc = moe_run_routing(d->run, l, d->room, NULL, NULL);
        if (!rc)
            rc = put_layer(d, OUT_SCORES, l, c->E);
        if (!rc)
            rc = moe_run_routing(d->run, l, NULL, d->room, NULL);
        if (!rc)
            rc = put_layer(d, OUT_IDX, l, c->K);
        if (!rc)
            rc = moe_run_routing(d->run, l, NULL, NULL, d->room);
        if (!rc)
            rc = put_layer(d, OUT_WEIGHT, l, c->K);
    }
    return rc;
}

static int
put_hidden(struct dump *d)
{
    const struct moe_config *c = moe_model_config(d->model);
    int rc = MOE_OK;
    for (int64_t l = 0; !rc && d->opt->hidden && l <= c->L; l++) {
        rc = moe_run_hidden(d->run, l, d->room);
        if (!rc)
            rc = put_layer(d, OUT_HIDDEN, l, c->D);
    }
    return rc;
}

static int
pass(struct dump *d)
{
    int rc =
        moe_run_forward(d->run, d->batch->id + before(d), d->rows, d->batch->T);
    if (!rc)
        rc = put_head(d);
    if (!rc)
        rc = put_routing(d);
    if (!rc)
        rc = put_hidden(d);
    return rc;
}

static int64_t
larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* A run for the largest pass, and room for the largest of its tensors. */
static int
make(struct dump *d)
{
    const struct moe_config *c = moe_model_config(d->model);
    int64_t T = d->batch->T, B = larger(1, PASS_TOKENS / T);
    if (B > d->batch->B)
        B = d->batch->B;
    d->rows = B;
    int64_t columns = larger(larger(c->E, c->K), c->D), bytes;
    bytes = larger(LOGIT_ROWS * c->V, B * T * columns) * (int64_t)sizeof(float);
    struct moe_run_options opt = {
        .B = B, .T = T, .keep_routing = true, .keep_hidden = d->opt->hidden};
    int rc = moe_run_create(&d->run, d->model, &opt);
    if (!rc)
        rc = moe_run_hook(d->run, d->opt->hook);
    d->room = malloc((size_t)bytes);
    d->nll = mem_zero((size_t)(B * T), sizeof *d->nll);
    if (!rc && (!d->room || !d->nll))
        rc = moe_fail(err_of(d), MOE_ENOMEM, "forward: out of memory");
    return rc;
}

static int
run_all(struct dump *d)
{
    int64_t step = d->rows, B = d->batch->B;
    int rc = MOE_OK;
    for (d->first = 0; !rc && d->first < B; d->first += step) {
        d->rows = B - d->first < step ? B - d->first : step;
        rc = pass(d);
        if (!rc && d->opt->progress)
            d->opt->progress(d->opt->arg, (uint64_t)(before(d) + here(d)),
                             (uint64_t)(B * d->batch->T));
    }
    return rc;
}

int
dump_forward(struct moe_model *model, double *nll,
             const struct token_batch *batch, const struct dump_options *opt)
{
    struct dump d = {.model = model, .batch = batch, .opt = opt};
    int64_t n = batch->B * (batch->T - 1);
    describe(&d);
    int rc = make(&d);
    if (!rc)
        rc = safetensors_create(err_of(&d), &d.writer, opt->path, d.entry,
                                opt->hidden ? OUTPUTS : OUT_HIDDEN, NULL);
    if (!rc) {
        rc = run_all(&d);
        if (!rc)
            rc = safetensors_commit(err_of(&d), &d.writer);
        else
            safetensors_abort(&d.writer);
    }
    *nll = n ? d.sum / (double)n : NAN;
    moe_run_destroy(&d.run);
    free(d.room);
    free(d.nll);
    return rc;
}
