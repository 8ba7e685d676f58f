/*
 * load.c - a checkpoint onto a device.
 *
 * Norms, biases and routers are small and widened into one f32 buffer.  The
 * large matrices keep their type and, where the device shares the host's
 * memory, stay where the file is mapped.  The experts of a layer are one
 * buffer and a table of offsets: a stretch of the file when they lie side by
 * side in it, a packed copy otherwise.
 */
#include "model/model.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "io/checkpoint.h"
#include "model/match.h"
#include "model/plan.h"

struct loader {
    struct moe_ctx *ctx;
    struct moe_model *m;
    struct match match;
    float *small;     // host copy of the small tensors
    uint64_t small_n; // elements in it so far
    struct buffer *small_buf;
    uint64_t *offsets; // (L,E,3), host copy
    struct buffer *offsets_buf;
};

static void
keep_buffer(struct loader *ld, struct buffer *b)
{
    ld->m->buffers[ld->m->buffer_count++] = b;
}

/* ---- Single tensors ----------------------------------------------------- */

static struct tensor
place_small(struct loader *ld, enum param_kind k, const struct ck_tensor *t)
{
    struct tensor view = param_shape(k, &ld->m->config);
    uint64_t n = tensor_count(&view);
    dtype_widen(ld->small + ld->small_n, t->st->data, (enum dtype)t->st->dtype,
                (size_t)n);
    view.buf = ld->small_buf;
    view.offset = ld->small_n;
    ld->small_n += n;
    return view;
}

static int
copy_bytes(struct loader *ld, struct buffer **out, const void *p, uint64_t n,
           const char *name)
{
    int rc = buffer_create(ld->ctx, out, n, name);
    if (!rc)
        rc = buffer_write(*out, 0, p, n);
    if (rc)
        buffer_destroy(out);
    return rc;
}

static bool
aligned(const void *p, enum dtype t)
{
    return (uintptr_t)p % dtype_bytes(t) == 0;
}

static int
place_large(struct loader *ld, struct tensor *out, enum param_kind k,
            const struct ck_tensor *t)
{
    const struct st_tensor *st = t->st;
    uint64_t n = st->end - st->begin;
    *out = param_shape(k, &ld->m->config);
    out->dtype = (enum dtype)st->dtype;
    int rc = aligned(st->data, out->dtype)
                 ? buffer_wrap(ld->ctx, &out->buf, st->data, n, st->name)
                 : copy_bytes(ld, &out->buf, st->data, n, st->name);
    if (!rc)
        keep_buffer(ld, out->buf);
    return rc;
}

static int
place(struct loader *ld, struct tensor *out, enum param_kind k,
      const struct ck_tensor *t)
{
    if (!t) // absent from this model
        return MOE_OK;
    if (!param_is_small(k, &ld->m->config))
        return place_large(ld, out, k, t);
    *out = place_small(ld, k, t);
    return MOE_OK;
}

/* ---- Experts ------------------------------------------------------------ */

/* The stretch of a file that holds a layer's experts. */
struct stretch {
    const unsigned char *begin, *end;
    uint64_t need; // bytes of the experts themselves
    bool one_file;
};

static const unsigned char *
part_data(const struct expert_part *p)
{
    return p->t->st->data + p->skip;
}

static int
find_stretch(struct loader *ld, struct stretch *s, enum dtype *type, int layer)
{
    const struct moe_config *c = &ld->m->config;
    const struct expert_part *part = ld->match.expert[layer * c->E];
    uint64_t each = param_elements(PARAM_GATE, c);
    *type = (enum dtype)part[0].t->st->dtype;
    each *= dtype_bytes(*type);
    *s = (struct stretch){part_data(part), part_data(part) + each, 0, true};
    for (int64_t i = 0; i < c->E * EXPERT_PARTS; i++) {
        const unsigned char *p = part_data(&part[i]);
        if (part[i].t->st->dtype != (int)*type)
            return moe_fail(moe_ctx_err(ld->ctx), MOE_EFORMAT,
                            "%s: tensor '%s': found %s, the layer's first "
                            "expert has %s",
                            ld->m->files->dir, part[i].t->st->name,
                            part[i].t->st->type, dtype_name(*type));
        s->one_file = s->one_file && part[i].t->file == part[0].t->file;
        s->need += each;
        if (!s->one_file)
            continue;
        s->begin = p < s->begin ? p : s->begin;
        s->end = p + each > s->end ? p + each : s->end;
    }
    return MOE_OK;
}

/* Whether the kernels can read the experts where they lie: aligned, not too
 * much else between them, and not too large for one buffer. */
static bool
usable_in_place(const struct loader *ld, const struct stretch *s,
                enum dtype type, const struct expert_part *part)
{
    if (!s->one_file)
        return false;
    uint64_t span = (uint64_t)(s->end - s->begin);
    if (span - s->need > s->need / 8 ||
        span > ctx_device(ld->ctx)->max_alloc_bytes)
        return false;
    for (int64_t i = 0; i < ld->m->config.E * EXPERT_PARTS; i++)
        if (!aligned(part_data(&part[i]), type))
            return false;
    return true;
}

/* One buffer with the experts behind each other. */
static int
pack_experts(struct loader *ld, struct buffer **out, uint64_t *offset,
             const struct stretch *s, enum dtype type,
             const struct expert_part *part)
{
    int64_t parts = ld->m->config.E * EXPERT_PARTS;
    uint64_t each = s->need / (uint64_t)parts;
    int rc = buffer_create(ld->ctx, out, s->need, part[0].t->st->name);
    for (int64_t i = 0; !rc && i < parts; i++) {
        offset[i] = (uint64_t)i * each / dtype_bytes(type);
        rc = buffer_write(*out, (uint64_t)i * each, part_data(&part[i]), each);
    }
    if (rc)
        buffer_destroy(out);
    return rc;
}

static int
place_experts(struct loader *ld, struct expert_weights *out, int layer)
{
    int64_t E = ld->m->config.E, parts = E * EXPERT_PARTS;
    const struct expert_part *part = ld->match.expert[layer * E];
    uint64_t *offset = ld->offsets + layer * parts;
    struct stretch s;
    int rc = find_stretch(ld, &s, &out->dtype, layer);
    if (rc)
        return rc;
    if (usable_in_place(ld, &s, out->dtype, part)) {
        rc = buffer_wrap(ld->ctx, &out->buf, s.begin,
                         (uint64_t)(s.end - s.begin), part[0].t->st->name);
        for (int64_t i = 0; i < parts; i++)
            offset[i] = (uint64_t)(part_data(&part[i]) - s.begin) /
                        dtype_bytes(out->dtype);
    } else
        rc = pack_experts(ld, &out->buf, offset, &s, out->dtype, part);
    if (!rc)
        keep_buffer(ld, out->buf);
    out->offsets = tensor_shape(DTYPE_U64, 2, (int64_t[]){E, EXPERT_PARTS});
    out->offsets.buf = ld->offsets_buf;
    out->offsets.offset = (uint64_t)(layer * parts);
    return rc;
}

/* ---- The plan ----------------------------------------------------------- */

static void
count_large(const struct loader *ld, struct need *need, enum param_kind k,
            const struct ck_tensor *t)
{
    if (t && !param_is_small(k, &ld->m->config))
        need_add(need, t->st->name, t->st->end - t->st->begin, 1);
}

/* The buffers that place_all() will make, in the types of the files. */
static int
count_all(struct loader *ld, struct need *need)
{
    const struct moe_config *c = &ld->m->config;
    int rc = MOE_OK;
    plan_shared(need, c);
    for (int k = 0; k < PARAM_KINDS; k++)
        count_large(ld, need, k, ld->match.model[k]);
    for (int l = 0; !rc && l < c->L; l++) {
        struct stretch s;
        enum dtype type;
        rc = find_stretch(ld, &s, &type, l);
        for (int k = 0; k < PARAM_KINDS; k++)
            count_large(ld, need, k, ld->match.layer[l][k]);
        if (!rc)
            need_add(need, "a layer's experts", s.need, 1);
    }
    return rc;
}

/* ---- The model ---------------------------------------------------------- */

static int
place_layer(struct loader *ld, struct layer_weights *w, int l)
{
    const struct ck_tensor **t = ld->match.layer[l];
    const struct {
        struct tensor *to;
        enum param_kind kind;
    } list[] = {{&w->attn_norm, PARAM_ATTN_NORM},
                {&w->mlp_norm, PARAM_MLP_NORM},
                {&w->q, PARAM_Q},
                {&w->k, PARAM_K},
                {&w->v, PARAM_V},
                {&w->o, PARAM_O},
                {&w->q_norm, PARAM_Q_NORM},
                {&w->k_norm, PARAM_K_NORM},
                {&w->q_bias, PARAM_Q_BIAS},
                {&w->k_bias, PARAM_K_BIAS},
                {&w->v_bias, PARAM_V_BIAS},
                {&w->o_bias, PARAM_O_BIAS},
                {&w->router, PARAM_ROUTER}};
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < sizeof list / sizeof *list; i++)
        rc = place(ld, list[i].to, list[i].kind, t[list[i].kind]);
    return rc ? rc : place_experts(ld, &w->experts, l);
}

/* Buffers that all layers share, and room for the list of all of them. */
static int
make_shared(struct loader *ld)
{
    const struct moe_config *c = &ld->m->config;
    struct moe_err *err = moe_ctx_err(ld->ctx);
    size_t L = (size_t)c->L, table = (size_t)(c->L * c->E) * EXPERT_PARTS;
    size_t small = (size_t)params_small(c), bytes;
    if (!mem_mul(&bytes, small, sizeof *ld->small))
        return moe_fail(err, MOE_EFIT, "norms and routers are too large");
    ld->m->layer = mem_zero(L, sizeof *ld->m->layer);
    ld->m->buffers = mem_zero(4 + 5 * L, sizeof *ld->m->buffers);
    ld->small = mem_zero(small, sizeof *ld->small);
    ld->offsets = mem_zero(table, sizeof *ld->offsets);
    if (!ld->m->layer || !ld->m->buffers || !ld->small || !ld->offsets)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory",
                        ld->m->files->dir);
    int rc = buffer_create(ld->ctx, &ld->small_buf, bytes, "norms and routers");
    if (!rc)
        keep_buffer(ld, ld->small_buf);
    if (!rc)
        rc = buffer_create(ld->ctx, &ld->offsets_buf,
                           table * sizeof *ld->offsets, "expert offsets");
    if (!rc)
        keep_buffer(ld, ld->offsets_buf);
    return rc;
}

static int
write_shared(struct loader *ld)
{
    int rc = buffer_write(ld->small_buf, 0, ld->small,
                          ld->small_n * sizeof *ld->small);
    if (!rc)
        rc = buffer_write(ld->offsets_buf, 0, ld->offsets,
                          buffer_size(ld->offsets_buf));
    return rc;
}

static int
place_all(struct loader *ld)
{
    struct moe_model *m = ld->m;
    const struct ck_tensor **t = ld->match.model;
    int rc = make_shared(ld);
    if (!rc)
        rc = place(ld, &m->embed, PARAM_EMBED, t[PARAM_EMBED]);
    if (!rc)
        rc = place(ld, &m->final_norm, PARAM_FINAL_NORM, t[PARAM_FINAL_NORM]);
    if (!rc)
        rc = place(ld, &m->head, PARAM_HEAD, t[PARAM_HEAD]);
    if (!rc && m->config.tie_embeddings)
        m->head = m->embed;
    for (int l = 0; !rc && l < m->config.L; l++)
        rc = place_layer(ld, &m->layer[l], l);
    return rc ? rc : write_shared(ld);
}

static int
load(struct moe_ctx *ctx, struct moe_model *m, const char *dir)
{
    struct loader ld = {.ctx = ctx, .m = m};
    struct need need = {0};
    struct moe_err *err = moe_ctx_err(ctx);
    int rc = moe_config_read(err, &m->config, dir);
    if (!rc)
        rc = checkpoint_open(err, &m->files, dir);
    if (!rc)
        rc = match_open(err, &ld.match, &m->config, m->files);
    if (!rc)
        rc = count_all(&ld, &need);
    if (!rc)
        rc = need_check(err, ctx_device(ctx), &need, dir);
    if (!rc)
        rc = place_all(&ld);
    match_close(&ld.match);
    free(ld.small);
    free(ld.offsets);
    return rc;
}

int
moe_model_load(struct moe_ctx *ctx, struct moe_model **out, const char *dir)
{
    struct moe_model *m = mem_zero(1, sizeof *m);
    *out = NULL;
    if (!m)
        return moe_fail(moe_ctx_err(ctx), MOE_ENOMEM, "%s: out of memory", dir);
    m->ctx = ctx;
    int rc = load(ctx, m, dir);
    if (rc)
        moe_model_destroy(&m);
    *out = m;
    return rc;
}

void
moe_model_destroy(struct moe_model **mp)
{
    struct moe_model *m = *mp;
    *mp = NULL;
    if (!m)
        return;
    ctx_finish(m->ctx); // nothing enqueued may still read mapped weights
    for (size_t i = 0; i < m->buffer_count; i++)
        buffer_destroy(&m->buffers[i]);
    free(m->buffers);
    free(m->layer);
    checkpoint_close(&m->files); // after the buffers that lie in its files
    moe_config_free(&m->config);
    free(m);
}

const struct moe_config *
moe_model_config(const struct moe_model *m)
{
    return &m->config;
}
