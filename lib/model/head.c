/*
 * head.c - logits and likelihoods of a pass, a stretch of rows at a time: the
 * full (N,V) is never on the device.
 */
#include "model/run.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "device/gemm.h"

int
head_check(struct moe_run *run)
{
    if (run->N && !run->opt.routers_only)
        return MOE_OK;
    return moe_fail(moe_ctx_err(run->model->ctx), MOE_EINVAL, "run: logits %s",
                    run->N ? "are not made by a run that stops at the routers"
                           : "before a forward pass");
}

int
head_logits(struct moe_run *run, int64_t row, int64_t rows)
{
    const struct moe_config *c = &run->model->config;
    struct gemm g = {.op = GEMM_NT,
                     .m = rows,
                     .n = c->V,
                     .k = c->D,
                     .c = run->logits,
                     .a = tensor_rows(&run->norm, row, rows),
                     .b = run->model->head};
    return gemm_run(run->model->ctx, &g);
}

int64_t
head_stretch(const struct moe_run *run, int64_t left)
{
    return left < run->head_rows ? left : run->head_rows;
}

int
moe_run_logits(struct moe_run *run, int64_t row, int64_t rows, float *logits)
{
    int64_t V = run->model->config.V;
    int rc = head_check(run);
    if (!rc && (row < 0 || rows < 0 || row > run->N || rows > run->N - row))
        rc = moe_fail(moe_ctx_err(run->model->ctx), MOE_EINVAL,
                      "run: logits of rows %" PRId64 " + %" PRId64
                      " of %" PRId64,
                      row, rows, run->N);
    for (int64_t done = 0, n; !rc && done < rows; done += n) {
        n = head_stretch(run, rows - done);
        rc = head_logits(run, row + done, n);
        if (!rc)
            rc = buffer_read(run->logits.buf, 0, logits + done * V,
                             (uint64_t)(n * V) * sizeof *logits);
    }
    return rc;
}

/* The next token of each sequence; -1 at its end. */
static int
write_targets(struct moe_run *run)
{
    size_t bytes = (size_t)run->N * sizeof(int32_t);
    int32_t *ids = malloc(bytes);
    if (!ids)
        return moe_fail(moe_ctx_err(run->model->ctx), MOE_ENOMEM,
                        "run: out of memory");
    int rc = buffer_read(run->ids.buf, 0, ids, bytes);
    if (!rc) {
        for (int64_t n = 0; n < run->N; n++)
            ids[n] = (n + 1) % run->T ? ids[n + 1] : -1;
        rc = buffer_write(run->target.buf, 0, ids, bytes);
    }
    free(ids);
    return rc;
}

/* Without the last position of each sequence, which predicts nothing. */
static int
read_nll(struct moe_run *run, float *nll)
{
    int rc = MOE_OK;
    for (int64_t b = 0; !rc && b < run->B; b++)
        rc = buffer_read(run->nll.buf, (uint64_t)(b * run->T) * sizeof *nll,
                         nll + b * (run->T - 1),
                         (uint64_t)(run->T - 1) * sizeof *nll);
    return rc;
}

int
head_pass(struct moe_run *run, float *nll, head_see_fn *see, void *arg)
{
    int rc = head_check(run);
    if (!rc)
        rc = write_targets(run);
    for (int64_t row = 0, n; !rc && row < run->N; row += n) {
        n = head_stretch(run, run->N - row);
        struct tensor to = tensor_rows(&run->nll, row, n);
        struct tensor target = tensor_rows(&run->target, row, n);
        rc = head_logits(run, row, n);
        if (!rc)
            rc = xent_forward(run->model->ctx, &to, &run->logits, &target, n,
                              run->model->config.V);
        if (!rc && see)
            rc = see(arg, row, n);
    }
    return rc ? rc : read_nll(run, nll);
}

int
moe_run_nll(struct moe_run *run, float *nll)
{
    return head_pass(run, nll, NULL, NULL);
}
