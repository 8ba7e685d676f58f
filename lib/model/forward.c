/*
 * forward.c - the block diagram.
 *
 *     x = embed(ids)
 *     for each layer
 *         x += attention(rmsnorm(x))
 *         x += experts(rmsnorm(x))
 *     logits = head(rmsnorm(x))
 *
 * Everything is enqueued in this order and nothing waits.
 *
 * Source: Muennighoff et al. 2024, arXiv:2409.02060; agrees with
 * OlmoeForCausalLM of transformers 4.57.
 */
#include "model/run.h"

#include "device/gemm.h"

/* y (N,M) = x (N,D) w (M,D)^T + bias; added to y when `accumulate`. */
static int
linear(struct moe_run *run, const struct tensor *y, const struct tensor *x,
       const struct tensor *w, const struct tensor *bias, bool accumulate)
{
    struct gemm g = {.op = GEMM_NT,
                     .m = run->N,
                     .n = w->dim[0],
                     .k = w->dim[1],
                     .c = *y,
                     .a = *x,
                     .b = *w,
                     .accumulate = accumulate};
    if (bias && bias->buf)
        g.bias = *bias;
    return gemm_run(run->model->ctx, &g);
}

static int
norm(struct moe_run *run, const struct tensor *y, const struct tensor *x,
     const struct tensor *w)
{
    return rmsnorm_forward(run->model->ctx, y, &run->rms, x, w, run->N,
                           w->dim[0], (float)run->model->config.rms_eps);
}

/* Hugging Face clips after the norm of queries and keys. */
static int
clip(struct moe_run *run)
{
    const struct moe_config *c = &run->model->config;
    struct moe_ctx *ctx = run->model->ctx;
    float limit = (float)c->clip_qkv;
    if (limit <= 0)
        return MOE_OK;
    int rc = clip_forward(ctx, &run->q, limit, run->N, c->H * c->S);
    if (!rc)
        rc = clip_forward(ctx, &run->k, limit, run->N, c->G * c->S);
    if (!rc)
        rc = clip_forward(ctx, &run->v, limit, run->N, c->G * c->S);
    return rc;
}

static int
rotate(struct moe_run *run)
{
    const struct moe_config *c = &run->model->config;
    struct moe_ctx *ctx = run->model->ctx;
    int rc = rope_forward(ctx, &run->q, &run->rope, run->B, run->T, c->H, c->S);
    if (!rc)
        rc = rope_forward(ctx, &run->k, &run->rope, run->B, run->T, c->G, c->S);
    return rc;
}

/* x += attention(rmsnorm(x)); queries and keys are normalised over their full
 * width, all heads together. */
static int
attention_block(struct moe_run *run, const struct layer_weights *w)
{
    const struct moe_config *c = &run->model->config;
    int rc = norm(run, &run->norm, &run->x, &w->attn_norm);
    if (!rc)
        rc = linear(run, &run->q, &run->norm, &w->q, &w->q_bias, false);
    if (!rc)
        rc = linear(run, &run->k, &run->norm, &w->k, &w->k_bias, false);
    if (!rc)
        rc = linear(run, &run->v, &run->norm, &w->v, &w->v_bias, false);
    if (!rc)
        rc = norm(run, &run->q, &run->q, &w->q_norm);
    if (!rc)
        rc = norm(run, &run->k, &run->k, &w->k_norm);
    if (!rc)
        rc = clip(run);
    if (!rc)
        rc = rotate(run);
    if (!rc)
        rc = attention_forward(run->model->ctx, &run->mixed, &run->lse, &run->q,
                               &run->k, &run->v, run->B, run->T, c->H, c->G,
                               c->S);
    if (!rc)
        rc = linear(run, &run->x, &run->mixed, &w->o, &w->o_bias, true);
    return rc;
}

/* Keep n elements of a layer's result in its place of the kept tensor. */
static int
keep(const struct tensor *kept, const struct tensor *from, int64_t layer,
     int64_t n)
{
    uint64_t size = dtype_bytes(kept->dtype);
    uint64_t stride = (uint64_t)(kept->dim[1] * kept->dim[2]) * size;
    return buffer_copy(kept->buf, (uint64_t)layer * stride, from->buf, 0,
                       (uint64_t)n * size);
}

static int
keep_hidden(struct moe_run *run, int64_t level)
{
    if (!run->opt.keep_hidden)
        return MOE_OK;
    return keep(&run->kept_hidden, &run->x, level,
                run->N * run->model->config.D);
}

static int
keep_routing(struct moe_run *run, int64_t layer)
{
    const struct moe_config *c = &run->model->config;
    if (!run->opt.keep_routing)
        return MOE_OK;
    int rc = keep(&run->kept_scores, &run->scores, layer, run->N * c->E);
    if (!rc)
        rc = keep(&run->kept_idx, &run->idx, layer, run->N * c->K);
    if (!rc)
        rc = keep(&run->kept_weight, &run->weight, layer, run->N * c->K);
    return rc;
}

/* Scores of all experts, the K best of them, and whoever wants to see. */
static int
route(struct moe_run *run, const struct layer_weights *w, int64_t layer)
{
    const struct moe_config *c = &run->model->config;
    struct moe_ctx *ctx = run->model->ctx;
    struct tensor bad = run->bad;
    bad.offset = (uint64_t)(layer * finite_blocks(run->N));
    int rc = norm(run, &run->norm, &run->x, &w->mlp_norm);
    if (!rc)
        rc = linear(run, &run->scores, &run->norm, &w->router, NULL, false);
    if (!rc)
        rc = finite_forward(ctx, &bad, &run->scores, run->N, c->E);
    if (!rc)
        rc =
            router_forward(ctx, &run->probs, &run->idx, &run->weight,
                           &run->scores, run->N, c->E, c->K, c->norm_topk_prob);
    if (!rc)
        rc = keep_routing(run, layer);
    if (!rc && run->observe)
        rc = run->observe(run->observe_arg, layer, &run->scores, &run->probs,
                          &run->idx, &run->weight, run->N);
    return rc;
}

/* x += experts(norm), each token through its K experts. */
static int
experts_block(struct moe_run *run, const struct layer_weights *w)
{
    const struct moe_config *c = &run->model->config;
    struct moe_ctx *ctx = run->model->ctx;
    int64_t N = run->N;
    int rc = dispatch_forward(ctx, &run->dispatch, &run->idx, N, c->E, c->K);
    if (!rc)
        rc = experts_forward(ctx, run->experts, &run->y, &run->h, &run->norm,
                             &w->experts, &run->dispatch, N, c->E, c->K, c->D,
                             c->F);
    if (!rc)
        rc = combine_forward(ctx, &run->x, &run->y, &run->weight,
                             &run->dispatch, N, c->K, c->D);
    return rc;
}

int
forward_pass(struct moe_run *run)
{
    const struct moe_model *m = run->model;
    const struct moe_config *c = &m->config;
    int rc = embed_forward(m->ctx, &run->x, &run->ids, &m->embed, run->N, c->D);
    for (int64_t l = 0; !rc && l < c->L; l++) {
        rc = keep_hidden(run, l);
        if (!rc)
            rc = attention_block(run, &m->layer[l]);
        if (!rc)
            rc = route(run, &m->layer[l], l);
        if (!rc && run->opt.routers_only && l + 1 == c->L)
            return MOE_OK;
        if (!rc)
            rc = experts_block(run, &m->layer[l]);
    }
    if (!rc)
        rc = keep_hidden(run, c->L);
    return rc ? rc : norm(run, &run->norm, &run->x, &m->final_norm);
}
