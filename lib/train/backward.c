/*
 * backward.c - the block diagram reversed.
 *
 * Each function quotes the forward line that it differentiates.  dx is the
 * gradient of the residual stream and is updated in place; what a frozen
 * tensor would need is skipped, and the pass ends at the lowest layer in which
 * anything is trained.
 */
#include "train/pass_state.h"

#include "device/gemm.h"

/* y = x w^T + b, y (N,M), x (N,D):  dx (+)= dy w. */
static int
linear_input(struct pass *p, const struct tensor *dx, const struct tensor *dy,
             const struct tensor *w, bool accumulate)
{
    struct gemm g = {.op = GEMM_NN,
                     .m = p->run->N,
                     .n = w->dim[1],
                     .k = w->dim[0],
                     .c = *dx,
                     .a = *dy,
                     .b = *w,
                     .accumulate = accumulate};
    return gemm_run(p->ctx, &g);
}

/* The same line:  dw += dy^T x,  db += sum_n dy. */
static int
linear_weight(struct pass *p, const struct tensor *dw, const struct tensor *db,
              const struct tensor *dy, const struct tensor *x)
{
    int rc = MOE_OK;
    if (dw->buf) {
        struct gemm g = {.op = GEMM_TN,
                         .m = dw->dim[0],
                         .n = dw->dim[1],
                         .k = p->run->N,
                         .c = *dw,
                         .a = *dy,
                         .b = *x,
                         .accumulate = true};
        rc = gemm_run_long(p->ctx, &g);
    }
    if (!rc && db && db->buf)
        rc = bias_backward(p->ctx, db, &p->partial, dy, p->run->N, db->dim[0]);
    return rc;
}

/* y = rmsnorm(x):  dx (+)= ..., dw += .... */
static int
norm_backward(struct pass *p, const struct tensor *dx, const struct tensor *dw,
              const struct tensor *dy, const struct tensor *x,
              const struct tensor *r, const struct tensor *w, bool accumulate)
{
    return rmsnorm_backward(p->ctx, dx, dw->buf ? dw : NULL, &p->partial, dy, x,
                            r, w, p->run->N, w->dim[0], accumulate);
}

/* x += combine(experts(norm2), weight), and norm2's share of the router:
 * leaves dnorm = gradient of norm2. */
static int
experts_part(struct pass *p, int64_t l, const struct layer_acts *a)
{
    const struct moe_config *c = &p->model->config;
    const struct layer_weights *w = &p->model->layer[l];
    const struct layer_weights *g = &p->arena->grads.layer[l];
    int64_t N = p->run->N;
    int rc = combine_weights(p->ctx, &p->slot_weight, &a->weight, &a->dispatch,
                             N, c->K);
    if (!rc)
        rc = experts_backward(p->ctx, p->run->experts, &p->dslot_weight,
                              &p->dslot, g->experts.buf ? &g->experts : NULL,
                              &a->pre,
                              p->opt.level != ACTS_RECOMPUTE ? &a->h : NULL,
                              &p->dx, &a->norm2, &p->slot_weight, &w->experts,
                              &a->dispatch, N, c->E, c->K, c->D, c->F);
    if (!rc)
        rc = zero_forward(p->ctx, &p->dnorm, (uint64_t)(N * c->D));
    if (!rc)
        rc = combine_backward(p->ctx, &p->dweight, &p->dnorm, &p->dslot_weight,
                              &p->dslot, &a->dispatch, N, c->K, c->D);
    return rc;
}

/* scores = norm2 router^T; probs, idx, weight from them; the losses too. */
static int
router_part(struct pass *p, int64_t l, const struct layer_acts *a, bool input)
{
    const struct moe_config *c = &p->model->config;
    const struct layer_weights *w = &p->model->layer[l];
    const struct layer_weights *g = &p->arena->grads.layer[l];
    struct tensor balance = tensor_rows(&p->balance, l, 1);
    int64_t N = p->run->N;
    int rc = router_backward(p->ctx, &p->dscores, &p->dweight,
                             p->opt.loss.aux_weight > 0 ? &balance : NULL,
                             &a->scores, &a->probs, &a->idx, &a->weight,
                             p->z_factor, N, c->E, c->K, c->norm_topk_prob);
    if (!rc)
        rc = hook_backward(p->run->hook, l, &p->dscores, N);
    if (!rc)
        rc = linear_weight(p, &g->router, NULL, &p->dscores, &a->norm2);
    if (!rc && input)
        rc = linear_input(p, &p->dnorm, &p->dscores, &w->router, true);
    return rc;
}

/* q = rope(clip(rmsnorm(q_raw))): leaves dq_raw in dq.  With `input` or a
 * trained norm there is something to do. */
static int
query_part(struct pass *p, const struct tensor *dq, const struct tensor *dw,
           const struct tensor *raw, const struct tensor *r,
           const struct tensor *w, int64_t heads)
{
    const struct moe_config *c = &p->model->config;
    const struct moe_run *run = p->run;
    int64_t width = heads * c->S;
    int rc = rope_backward(p->ctx, dq, &run->rope, run->B, run->T, heads, c->S);
    if (!rc && c->clip_qkv > 0) {
        /* Which elements the clip cut: those of the norm's output. */
        rc = rmsnorm_forward(p->ctx, &p->unclipped, r, raw, w, run->N, width,
                             (float)c->rms_eps);
        if (!rc)
            rc = clip_backward(p->ctx, dq, &p->unclipped, (float)c->clip_qkv,
                               run->N, width);
    }
    return rc ? rc : norm_backward(p, dq, dw, dq, raw, r, w, false);
}

/* x += o(attention(q, k, v)): leaves the gradients of q_raw, k_raw and v in
 * dq, dk, dv. */
static int
heads_part(struct pass *p, int64_t l, const struct layer_acts *a)
{
    const struct moe_config *c = &p->model->config;
    const struct layer_weights *w = &p->model->layer[l];
    const struct layer_weights *g = &p->arena->grads.layer[l];
    const struct moe_run *run = p->run;
    int rc = linear_weight(p, &g->o, &g->o_bias, &p->dx, &a->mixed);
    if (!rc)
        rc = linear_input(p, &p->dmixed, &p->dx, &w->o, false);
    if (!rc)
        rc = attention_backward(p->ctx, &p->dq, &p->dk, &p->dv, &p->delta,
                                &p->dmixed, &a->mixed, &a->q, &a->k, &a->v,
                                &a->lse, run->B, run->T, c->H, c->G, c->S);
    if (!rc)
        rc = query_part(p, &p->dq, &g->q_norm, &a->q_raw, &a->rms_q, &w->q_norm,
                        c->H);
    if (!rc)
        rc = query_part(p, &p->dk, &g->k_norm, &a->k_raw, &a->rms_k, &w->k_norm,
                        c->G);
    if (!rc && c->clip_qkv > 0)
        rc = clip_backward(p->ctx, &p->dv, &a->v, (float)c->clip_qkv, run->N,
                           c->G * c->S);
    return rc;
}

/* q_raw = norm1 q^T and so on: leaves dnorm = gradient of norm1. */
static int
projections_part(struct pass *p, int64_t l, const struct layer_acts *a,
                 bool input)
{
    const struct layer_weights *w = &p->model->layer[l];
    const struct layer_weights *g = &p->arena->grads.layer[l];
    int rc = linear_weight(p, &g->q, &g->q_bias, &p->dq, &a->norm1);
    if (!rc)
        rc = linear_weight(p, &g->k, &g->k_bias, &p->dk, &a->norm1);
    if (!rc)
        rc = linear_weight(p, &g->v, &g->v_bias, &p->dv, &a->norm1);
    if (!rc && input)
        rc = linear_input(p, &p->dnorm, &p->dq, &w->q, false);
    if (!rc && input)
        rc = linear_input(p, &p->dnorm, &p->dk, &w->k, true);
    if (!rc && input)
        rc = linear_input(p, &p->dnorm, &p->dv, &w->v, true);
    return rc;
}

/* Whether a layer's attention block has anything that is trained. */
static bool
attention_trained(const struct layer_weights *g)
{
    const struct tensor *all[] = {&g->attn_norm, &g->q,      &g->k,
                                  &g->v,         &g->o,      &g->q_norm,
                                  &g->k_norm,    &g->q_bias, &g->k_bias,
                                  &g->v_bias,    &g->o_bias};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i]->buf)
            return true;
    return false;
}

/* `below`: something under this layer is trained and wants dx. */
static int
layer_backward(struct pass *p, int64_t l, bool below)
{
    const struct layer_acts *a = &p->acts->layer[l];
    const struct layer_weights *w = &p->model->layer[l];
    const struct layer_weights *g = &p->arena->grads.layer[l];
    bool attention = below || attention_trained(g);
    bool first_norm = below || g->attn_norm.buf;
    int rc = pass_restore(p, l);
    if (!rc)
        rc = experts_part(p, l, a);
    if (!rc)
        rc = router_part(p, l, a, attention || g->mlp_norm.buf);
    if (!rc && (attention || g->mlp_norm.buf))
        rc = norm_backward(p, &p->dx, &g->mlp_norm, &p->dnorm, &a->x_mid,
                           &a->rms2, &w->mlp_norm, true);
    if (!rc && attention)
        rc = heads_part(p, l, a);
    if (!rc && attention)
        rc = projections_part(p, l, a, first_norm);
    if (!rc && first_norm)
        rc = norm_backward(p, &p->dx, &g->attn_norm, &p->dnorm, &a->x_in,
                           &a->rms1, &w->attn_norm, true);
    return rc;
}

/* x = embed(ids). */
static int
embed_part(struct pass *p)
{
    const struct tensor *g = &p->arena->grads.embed;
    if (!g->buf)
        return MOE_OK;
    return embed_backward(p->ctx, g, &p->dx, &p->run->ids, &p->order, &p->first,
                          p->different, p->model->config.D);
}

int
pass_backward(struct pass *p)
{
    int64_t lowest = p->arena->lowest;
    int rc = MOE_OK;
    for (int64_t l = p->model->config.L - 1; !rc && l >= 0 && l >= lowest; l--)
        rc = layer_backward(p, l, l > lowest);
    return rc ? rc : embed_part(p);
}
