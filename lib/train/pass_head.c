/*
 * pass_head.c - the loss and its gradient through head and final norm, a
 * stretch of rows at a time: the full (N,V) never exists.
 */
#include "train/pass_state.h"

#include "device/gemm.h"

/* Rows [row, row + n): logits, then their gradient in the same memory, then
 * its share of dnorm and of the head's gradient. */
static int
stretch(struct pass *p, int64_t row, int64_t n, float scale)
{
    struct moe_run *run = p->run;
    const struct moe_config *c = &p->model->config;
    const struct tensor *dhead = &p->arena->grads.head;
    struct tensor nll = tensor_rows(&run->nll, row, n);
    struct tensor target = tensor_rows(&run->target, row, n);
    struct gemm input = {.op = GEMM_NN,
                         .m = n,
                         .n = c->D,
                         .k = c->V,
                         .c = tensor_rows(&p->dnorm, row, n),
                         .a = run->logits,
                         .b = p->model->head};
    struct gemm weight = {.op = GEMM_TN,
                          .m = c->V,
                          .n = c->D,
                          .k = n,
                          .c = *dhead,
                          .a = run->logits,
                          .b = tensor_rows(&run->norm, row, n),
                          .accumulate = true};
    int rc = head_logits(run, row, n);
    if (!rc)
        rc = xent_backward(p->ctx, &run->logits, &nll, &target, scale, n, c->V);
    if (!rc)
        rc = gemm_run_long(p->ctx, &input);
    if (!rc && dhead->buf)
        rc = gemm_run(p->ctx, &weight);
    return rc;
}

int
pass_head(struct pass *p, double ce_scale)
{
    struct moe_run *run = p->run;
    const struct tensor *dw = &p->arena->grads.final_norm;
    int rc = MOE_OK;
    for (int64_t row = 0, n; !rc && row < run->N; row += n) {
        n = head_stretch(run, run->N - row);
        rc = stretch(p, row, n, (float)ce_scale);
    }
    if (!rc)
        rc = rmsnorm_backward(p->ctx, &p->dx, dw->buf ? dw : NULL, &p->partial,
                              &p->dnorm, &run->x, &run->rms,
                              &p->model->final_norm, run->N, p->model->config.D,
                              false);
    return rc;
}
