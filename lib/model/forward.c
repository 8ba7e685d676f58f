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
                     .accumulate = accumulate,
                     .steady = run->opt.steady};
    if (bias && bias->buf)
        g.bias = *bias;
    return gemm_run(run->model->ctx, &g);
}

static int
norm(struct moe_run *run, const struct tensor *y, const struct tensor *r,
     const struct tensor *x, const struct tensor *w)
{
    return rmsnorm_forward(run->model->ctx, y, r, x, w, run->N, w->dim[0],
                           (float)run->model->config.rms_eps);
}

/* A copy of the residual stream, where the activations have room for one. */
static int
keep_stream(struct moe_run *run, const struct tensor *to)
{
    if (!to->buf)
        return MOE_OK;
    uint64_t bytes = (uint64_t)(run->N * run->model->config.D) * sizeof(float);
    return buffer_copy(to->buf, to->offset * sizeof(float), run->x.buf, 0,
                       bytes);
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
    int rc = clip_forward(ctx, &run->a.q, limit, run->N, c->H * c->S);
    if (!rc)
        rc = clip_forward(ctx, &run->a.k, limit, run->N, c->G * c->S);
    if (!rc)
        rc = clip_forward(ctx, &run->a.v, limit, run->N, c->G * c->S);
    return rc;
}

static int
rotate(struct moe_run *run)
{
    const struct moe_config *c = &run->model->config;
    struct moe_ctx *ctx = run->model->ctx;
    const struct tensor *table = run->tiles ? &run->turn : &run->rope;
    int rc = rope_forward(ctx, &run->a.q, table, run->B, run->T, c->H, c->S);
    if (!rc)
        rc = rope_forward(ctx, &run->a.k, table, run->B, run->T, c->G, c->S);
    return rc;
}

/* Packed rows: the new keys and values go into the layer's cache, and every
 * row looks at its sequence there. */
static int
attend_cache(struct moe_run *run, int64_t layer)
{
    const struct moe_config *c = &run->model->config;
    struct moe_ctx *ctx = run->model->ctx;
    struct layer_acts *a = &run->a;
    struct tensor keys = tensor_rows(&run->keys, layer, 1);
    struct tensor values = tensor_rows(&run->values, layer, 1);
    struct packing p = {run->key_row, run->position, run->tile, run->tiles};
    int rc =
        scatter_forward(ctx, &keys, &a->k, &run->key_row, run->N, c->G * c->S);
    if (!rc)
        rc = scatter_forward(ctx, &values, &a->v, &run->key_row, run->N,
                             c->G * c->S);
    if (!rc)
        rc = attention_packed(ctx, &a->mixed, &a->lse, &a->q, &keys, &values,
                              &p, run->N, c->H, c->G, c->S);
    return rc;
}

static int
attend(struct moe_run *run, int64_t layer)
{
    const struct moe_config *c = &run->model->config;
    struct layer_acts *a = &run->a;
    if (run->tiles)
        return attend_cache(run, layer);
    return attention_forward(run->model->ctx, &a->mixed, &a->lse, &a->q, &a->k,
                             &a->v, run->B, run->T, c->H, c->G, c->S);
}

/* x += attention(rmsnorm(x)); queries and keys are normalised over their full
 * width, all heads together. */
static int
attention_block(struct moe_run *run, const struct layer_weights *w,
                int64_t layer)
{
    struct layer_acts *a = &run->a;
    int rc = keep_stream(run, &a->x_in);
    if (!rc)
        rc = norm(run, &a->norm1, &a->rms1, &run->x, &w->attn_norm);
    if (!rc)
        rc = linear(run, &a->q_raw, &a->norm1, &w->q, &w->q_bias, false);
    if (!rc)
        rc = linear(run, &a->k_raw, &a->norm1, &w->k, &w->k_bias, false);
    if (!rc)
        rc = linear(run, &a->v, &a->norm1, &w->v, &w->v_bias, false);
    if (!rc)
        rc = norm(run, &a->q, &a->rms_q, &a->q_raw, &w->q_norm);
    if (!rc)
        rc = norm(run, &a->k, &a->rms_k, &a->k_raw, &w->k_norm);
    if (!rc)
        rc = clip(run);
    if (!rc)
        rc = rotate(run);
    if (!rc)
        rc = attend(run, layer);
    if (!rc)
        rc = linear(run, &run->x, &a->mixed, &w->o, &w->o_bias, true);
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
    int rc = keep(&run->kept_scores, &run->a.scores, layer, run->N * c->E);
    if (!rc)
        rc = keep(&run->kept_idx, &run->a.idx, layer, run->N * c->K);
    if (!rc)
        rc = keep(&run->kept_weight, &run->a.weight, layer, run->N * c->K);
    return rc;
}

/* Scores of all experts as the hook leaves them, the K best of them, and
 * whoever wants to see. */
static int
route(struct moe_run *run, const struct layer_weights *w, int64_t layer)
{
    const struct moe_config *c = &run->model->config;
    struct moe_ctx *ctx = run->model->ctx;
    struct layer_acts *a = &run->a;
    struct tensor bad = run->bad;
    bad.offset = (uint64_t)(layer * finite_blocks(run->N));
    int rc = keep_stream(run, &a->x_mid);
    if (!rc)
        rc = norm(run, &a->norm2, &a->rms2, &run->x, &w->mlp_norm);
    if (!rc)
        rc = linear(run, &a->scores, &a->norm2, &w->router, NULL, false);
    if (!rc)
        rc = finite_forward(ctx, &bad, &a->scores, run->N, c->E);
    if (!rc)
        rc = hook_forward(run->hook, layer, &a->scores, run->N);
    if (!rc)
        rc = router_forward(ctx, &a->probs, &a->idx, &a->weight, &a->scores,
                            run->N, c->E, c->K, c->norm_topk_prob);
    if (!rc)
        rc = keep_routing(run, layer);
    if (!rc && run->observe)
        rc = run->observe(run->observe_arg, layer, &a->scores, &a->probs,
                          &a->idx, &a->weight, run->N);
    return rc;
}

/* x += experts(norm2), each token through its K experts. */
static int
experts_block(struct moe_run *run, const struct layer_weights *w)
{
    const struct moe_config *c = &run->model->config;
    struct moe_ctx *ctx = run->model->ctx;
    struct layer_acts *a = &run->a;
    int64_t N = run->N;
    int rc = dispatch_forward(ctx, &a->dispatch, &a->idx, N, c->E, c->K);
    if (!rc)
        rc = experts_forward(
            ctx, run->experts, &run->y, &a->h, a->pre.buf ? &a->pre : NULL,
            &a->norm2, &w->experts, &a->dispatch, N, c->E, c->K, c->D, c->F);
    if (!rc)
        rc = combine_forward(ctx, &run->x, &run->y, &a->weight, &a->dispatch, N,
                             c->K, c->D);
    return rc;
}

int
forward_embed(struct moe_run *run)
{
    const struct moe_model *m = run->model;
    return embed_forward(m->ctx, &run->x, &run->ids, &m->embed, run->N,
                         m->config.D);
}

int
forward_layer(struct moe_run *run, int64_t l)
{
    const struct moe_model *m = run->model;
    int rc = keep_hidden(run, l);
    if (!rc)
        rc = attention_block(run, &m->layer[l], l);
    if (!rc)
        rc = route(run, &m->layer[l], l);
    if (!rc && !(run->opt.routers_only && l + 1 == m->config.L))
        rc = experts_block(run, &m->layer[l]);
    return rc;
}

int
forward_final(struct moe_run *run)
{
    int rc = keep_hidden(run, run->model->config.L);
    if (!rc)
        rc = norm(run, &run->norm, &run->rms, &run->x, &run->model->final_norm);
    return rc;
}

int
forward_pass(struct moe_run *run)
{
    int rc = forward_embed(run);
    for (int64_t l = 0; !rc && l < run->model->config.L; l++)
        rc = forward_layer(run, l);
    return rc || run->opt.routers_only ? rc : forward_final(run);
}
