/*
 * trim.c - a model without the memory that it no longer uses.
 */
#include "config.h"

#include "io/checkpoint.h"
#include "model/model.h"

static bool
layer_uses(const struct layer_weights *w, const struct buffer *b)
{
    const struct buffer *all[] = {
        w->attn_norm.buf, w->mlp_norm.buf, w->q.buf,
        w->k.buf,         w->v.buf,        w->o.buf,
        w->q_norm.buf,    w->k_norm.buf,   w->q_bias.buf,
        w->k_bias.buf,    w->v_bias.buf,   w->o_bias.buf,
        w->router.buf,    w->experts.buf,  w->experts.offsets.buf};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i] == b)
            return true;
    return false;
}

static bool
is_used(const struct moe_model *m, const struct buffer *b)
{
    if (m->embed.buf == b || m->final_norm.buf == b || m->head.buf == b)
        return true;
    for (int64_t l = 0; l < m->config.L; l++)
        if (layer_uses(&m->layer[l], b))
            return true;
    return false;
}

int
model_trim(struct moe_model *m)
{
    size_t kept = 0;
    int rc = ctx_finish(m->ctx); // nothing enqueued may still read them
    if (rc)
        return rc;
    for (size_t i = 0; i < m->buffer_count; i++) {
        struct buffer *b = m->buffers[i];
        if (is_used(m, b))
            m->buffers[kept++] = b;
        else
            buffer_destroy(&b);
    }
    m->buffer_count = kept;
    checkpoint_forget(m->files);
    return MOE_OK;
}
