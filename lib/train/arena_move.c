/*
 * arena_move.c - the values of a loaded model into an arena, and the model
 * and its gradients pointed there.
 */
#include "train/arena_build.h"

#include <stdlib.h>

#include "base/mem.h"

/* Where the model keeps a tensor, or its gradients theirs; NULL for an
 * expert's matrix, which only has an offset. */
static struct tensor *
slot(struct tensor *embed, struct tensor *final_norm, struct tensor *head,
     struct layer_weights *layer, const struct param *p)
{
    struct layer_weights *w = &layer[p->layer];
    switch (p->kind) {
    case PARAM_EMBED:
        return embed;
    case PARAM_FINAL_NORM:
        return final_norm;
    case PARAM_HEAD:
        return head;
    case PARAM_ATTN_NORM:
        return &w->attn_norm;
    case PARAM_MLP_NORM:
        return &w->mlp_norm;
    case PARAM_Q:
        return &w->q;
    case PARAM_K:
        return &w->k;
    case PARAM_V:
        return &w->v;
    case PARAM_O:
        return &w->o;
    case PARAM_Q_NORM:
        return &w->q_norm;
    case PARAM_K_NORM:
        return &w->k_norm;
    case PARAM_Q_BIAS:
        return &w->q_bias;
    case PARAM_K_BIAS:
        return &w->k_bias;
    case PARAM_V_BIAS:
        return &w->v_bias;
    case PARAM_O_BIAS:
        return &w->o_bias;
    case PARAM_ROUTER:
        return &w->router;
    default:
        return NULL;
    }
}

static struct tensor *
model_slot(struct moe_model *m, const struct param *p)
{
    return slot(&m->embed, &m->final_norm, &m->head, m->layer, p);
}

/* Column of an expert's matrix in the table of offsets. */
static int
expert_column(enum param_kind kind)
{
    return kind == PARAM_GATE ? 0 : kind == PARAM_UP ? 1 : 2;
}

/* ---- Values ------------------------------------------------------------- */

/* The values of `from`, in whatever type the file has, to the arena. */
static int
copy_values(struct builder *b, const struct arena_param *q,
            const struct tensor *from)
{
    uint64_t n = tensor_count(&q->w);
    size_t in = dtype_bytes(from->dtype), out = dtype_bytes(q->w.dtype);
    int rc = MOE_OK;
    for (uint64_t at = 0; !rc && at < n; at += ARENA_CHUNK) {
        size_t part = n - at < ARENA_CHUNK ? (size_t)(n - at) : ARENA_CHUNK;
        const void *w = b->x;
        rc = buffer_read(from->buf, (from->offset + at) * in, b->y, part * in);
        if (rc)
            break;
        dtype_widen(b->x, b->y, from->dtype, part);
        if (q->w.dtype != DTYPE_F32) {
            dtype_narrow(b->y, b->x, q->w.dtype, part);
            w = b->y;
        }
        rc = buffer_write(q->w.buf, (q->w.offset + at) * out, w, part * out);
        if (!rc && q->master.buf)
            rc = buffer_write(q->master.buf,
                              (q->master.offset + at) * sizeof(float), b->x,
                              part * sizeof(float));
    }
    return rc;
}

static int
move_tensor(struct builder *b, const struct arena_param *q)
{
    struct moe_model *m = b->a->model;
    struct tensor *to = model_slot(m, &q->p);
    struct model_grads *g = &b->a->grads;
    int rc = copy_values(b, q, to);
    *to = q->w;
    *slot(&g->embed, &g->final_norm, &g->head, g->layer, &q->p) = q->g;
    if (q->p.kind == PARAM_EMBED && m->config.tie_embeddings) {
        m->head = q->w;
        g->head = q->g;
    }
    return rc;
}

/* The experts of a layer: copy each, then give the model and its gradients
 * their new tables of offsets. */
static int
move_experts(struct builder *b, const struct arena_param *q, int64_t parts)
{
    struct arena *a = b->a;
    struct expert_weights *w = &a->model->layer[q->p.layer].experts;
    struct expert_weights *g = &a->grads.layer[q->p.layer].experts;
    uint64_t *table = mem_zero(2 * (size_t)parts, sizeof *table);
    uint64_t *grads = table + parts;
    if (!table)
        return moe_fail(moe_ctx_err(a->ctx), MOE_ENOMEM,
                        "training: out of memory");
    int rc = tensor_read(&w->offsets, table);
    *g = (struct expert_weights){.dtype = DTYPE_F32, .offsets = w->offsets};
    for (int64_t i = 0; !rc && i < parts; i++) {
        int64_t at = q[i].p.expert * 3 + expert_column(q[i].p.kind);
        struct tensor from = q[i].w;
        from.buf = w->buf;
        from.dtype = w->dtype;
        from.offset = table[at];
        rc = copy_values(b, &q[i], &from);
        table[at] = q[i].w.offset;
        grads[at] = q[i].g.buf ? q[i].g.offset : ARENA_FROZEN;
        if (q[i].g.buf)
            g->buf = q[i].g.buf;
    }
    w->buf = q->w.buf;
    w->dtype = q->w.dtype;
    if (!rc)
        rc = tensor_write(&w->offsets, table);
    if (!rc)
        rc = arena_buffer(b, &g->offsets.buf, (uint64_t)parts * sizeof *grads,
                          "offsets of expert gradients");
    g->offsets.offset = 0;
    if (!rc)
        rc = tensor_write(&g->offsets, grads);
    free(table);
    return rc;
}

int
arena_move(struct builder *b)
{
    struct arena *a = b->a;
    int64_t parts = 3 * a->model->config.E;
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < a->params;) {
        const struct arena_param *q = &a->param[i];
        if (param_group(q->p.kind) == GROUP_EXPERT) {
            rc = move_experts(b, q, parts);
            i += (size_t)parts;
        } else {
            rc = move_tensor(b, q);
            i++;
        }
    }
    return rc;
}
