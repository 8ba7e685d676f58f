/*
 * pick.c - logits and likelihoods of the token rows that a caller wants, in
 * any order: the head is not computed for the others.
 */
#include "model/run.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "device/gemm.h"

/* run->logits = rows of run->norm times the head; n at most head_rows. */
static int
logits_of(struct moe_run *run, const int32_t *row, int64_t n)
{
    const struct moe_config *c = &run->model->config;
    struct gemm g = {.op = GEMM_NT,
                     .m = n,
                     .n = c->V,
                     .k = c->D,
                     .c = run->logits,
                     .a = run->picked,
                     .b = run->model->head,
                     .steady = run->opt.steady};
    int rc = buffer_write(run->pick.buf, 0, row, (uint64_t)n * sizeof *row);
    if (!rc)
        rc = embed_forward(run->model->ctx, &run->picked, &run->pick,
                           &run->norm, n, c->D);
    return rc ? rc : gemm_run(run->model->ctx, &g);
}

static int
check_rows(struct moe_run *run, const int32_t *row, int64_t n)
{
    int rc = head_check(run);
    for (int64_t i = 0; !rc && i < n; i++)
        if (row[i] < 0 || row[i] >= run->N)
            rc = moe_fail(moe_ctx_err(run->model->ctx), MOE_EINVAL,
                          "run: row %" PRId32 " of %" PRId64, row[i], run->N);
    return rc;
}

int
moe_run_logits_at(struct moe_run *run, const int32_t *row, int64_t n,
                  float *logits)
{
    int64_t V = run->model->config.V;
    int rc = check_rows(run, row, n);
    for (int64_t done = 0, some; !rc && done < n; done += some) {
        some = head_stretch(run, n - done);
        rc = logits_of(run, row + done, some);
        if (!rc)
            rc = buffer_read(run->logits.buf, 0, logits + done * V,
                             (uint64_t)(some * V) * sizeof *logits);
    }
    return rc;
}

/* Different rows of one stretch, and where each one's targets begin in the
 * list. */
struct stretch {
    int32_t *row, *target; // (C)
    int64_t *first;        // (C + 1)
    float *nll;            // (C)
    int64_t rows, most;    // most targets of a row
};

static void
stretch_free(struct stretch *s)
{
    free(s->row);
    free(s->target);
    free(s->first);
    free(s->nll);
}

static bool
stretch_make(struct stretch *s, int64_t C)
{
    s->row = mem_zero((size_t)C, sizeof *s->row);
    s->target = mem_zero((size_t)C, sizeof *s->target);
    s->first = mem_zero((size_t)C + 1, sizeof *s->first);
    s->nll = mem_zero((size_t)C, sizeof *s->nll);
    return s->row && s->target && s->first && s->nll;
}

/* The next rows of the list from `at` on; returns where they end in it. */
static int64_t
stretch_take(struct stretch *s, int64_t C, const int32_t *row, int64_t at,
             int64_t n)
{
    s->rows = s->most = 0;
    while (at < n && s->rows < C) {
        s->row[s->rows] = row[at];
        s->first[s->rows++] = at++;
        while (at < n && row[at] == row[at - 1])
            at++;
        if (at - s->first[s->rows - 1] > s->most)
            s->most = at - s->first[s->rows - 1];
    }
    s->first[s->rows] = at;
    return at;
}

/* The j-th target of every row that has so many. */
static int
score(struct moe_run *run, struct stretch *s, const int32_t *target, int64_t j,
      float *nll)
{
    const uint64_t bytes = (uint64_t)s->rows * sizeof(float);
    for (int64_t i = 0; i < s->rows; i++)
        s->target[i] =
            s->first[i] + j < s->first[i + 1] ? target[s->first[i] + j] : -1;
    int rc = buffer_write(run->target.buf, 0, s->target, bytes);
    if (!rc)
        rc = xent_forward(run->model->ctx, &run->nll, &run->logits,
                          &run->target, s->rows, run->model->config.V);
    if (!rc)
        rc = buffer_read(run->nll.buf, 0, s->nll, bytes);
    for (int64_t i = 0; !rc && i < s->rows; i++)
        if (s->target[i] >= 0)
            nll[s->first[i] + j] = s->nll[i];
    return rc;
}

static int
check_targets(struct moe_run *run, const int32_t *target, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (target[i] < 0 || target[i] >= run->model->config.V)
            return moe_fail(moe_ctx_err(run->model->ctx), MOE_EFORMAT,
                            "target %" PRId64 ": id %" PRId32
                            ", want 0 to %" PRId64,
                            i, target[i], run->model->config.V - 1);
    return MOE_OK;
}

int
moe_run_nll_at(struct moe_run *run, const int32_t *row, const int32_t *target,
               int64_t n, float *nll)
{
    struct stretch s = {0};
    const int64_t C = run->head_rows;
    int rc = check_rows(run, row, n);
    if (!rc)
        rc = check_targets(run, target, n);
    if (!rc && !stretch_make(&s, C))
        rc = moe_fail(moe_ctx_err(run->model->ctx), MOE_ENOMEM,
                      "run: out of memory");
    for (int64_t at = 0; !rc && at < n;) {
        at = stretch_take(&s, C, row, at, n);
        rc = logits_of(run, s.row, s.rows);
        for (int64_t j = 0; !rc && j < s.most; j++)
            rc = score(run, &s, target, j, nll);
    }
    stretch_free(&s);
    return rc;
}
