/*
 * arena.c - the memory of training.
 */
#include "train/arena.h"

#include <stdlib.h>

#include "base/mem.h"
#include "nn/nn.h"
#include "train/arena_build.h"

/* ---- Buffers ------------------------------------------------------------ */

int
arena_buffer(struct builder *b, struct buffer **out, uint64_t bytes,
             const char *name)
{
    struct arena *a = b->a;
    int rc = buffer_create(a->ctx, out, bytes, name);
    if (!rc)
        a->buffers[a->buffer_count++] = *out;
    return rc;
}

static int
make_segment(struct builder *b, struct segment *s,
             const struct layout_segment *l)
{
    struct buffer **const to[SEGMENT_BUFFERS] = {&s->w, &s->g, &s->m, &s->v,
                                                 &s->master};
    int rc = MOE_OK;
    for (int i = 0; !rc && i < SEGMENT_BUFFERS; i++) {
        const uint64_t bytes = segment_bytes(l, i, b->opt);
        if (bytes)
            rc = arena_buffer(b, to[i], bytes, segment_words[i]);
    }
    return rc;
}

/* After the weights have moved: only then the memory of the files is free, and
 * on a host that is the time from which these take any. */
static int
zero_state(struct builder *b)
{
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < b->layout.segments; i++) {
        const struct segment *s = &b->segment[i];
        uint64_t bytes = b->layout.segment[i].s_n * sizeof(float);
        rc = buffer_zero(s->g, 0, bytes);
        if (!rc)
            rc = buffer_zero(s->m, 0, bytes);
        if (!rc)
            rc = buffer_zero(s->v, 0, bytes);
    }
    return rc;
}

static int
make_segments(struct builder *b)
{
    size_t n = b->layout.segments;
    b->segment = mem_zero(n, sizeof *b->segment);
    /* And a table of expert gradients for each layer. */
    b->a->buffers =
        mem_zero(SEGMENT_BUFFERS * n + (size_t)b->a->model->config.L,
                 sizeof *b->a->buffers);
    b->x = mem_zero(ARENA_CHUNK, sizeof *b->x);
    b->y = mem_zero(ARENA_CHUNK, sizeof *b->x);
    if (!b->segment || !b->a->buffers || !b->x || !b->y)
        return moe_fail(moe_ctx_err(b->a->ctx), MOE_ENOMEM,
                        "training: out of memory");
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < n; i++)
        rc = make_segment(b, &b->segment[i], &b->layout.segment[i]);
    return rc;
}

/* ---- Parameters --------------------------------------------------------- */

static struct tensor
view(struct buffer *buf, uint64_t at, enum dtype t, const struct tensor *shape)
{
    struct tensor v = *shape;
    v.buf = buf;
    v.offset = at;
    v.dtype = t;
    return v;
}

static void
fill_param(struct builder *b, struct arena_param *q,
           const struct layout_place *l)
{
    const struct segment *s = &b->segment[l->segment];
    struct tensor shape = param_shape(l->p.kind, &b->a->model->config);
    q->p = l->p;
    q->w = view(s->w, l->w_at, layout_dtype(l->class, b->opt), &shape);
    if (!l->trained)
        return;
    q->g = view(s->g, l->s_at, DTYPE_F32, &shape);
    q->m = view(s->m, l->s_at, DTYPE_F32, &shape);
    q->v = view(s->v, l->s_at, DTYPE_F32, &shape);
    if (s->master)
        q->master = view(s->master, l->s_at, DTYPE_F32, &shape);
}

/* ---- Ranges ------------------------------------------------------------- */

static struct tensor
stretch(const struct tensor *t, uint64_t n)
{
    struct tensor v = *t;
    v.rank = 1;
    for (int i = 0; i < TENSOR_RANK; i++)
        v.dim[i] = 1;
    v.dim[0] = (int64_t)n;
    return v;
}

/* Part of a parameter, or of the range that it goes on: n elements from
 * element `at`. */
static struct arena_range
part_of(const struct arena_param *q, uint64_t at, uint64_t n, bool decay,
        uint64_t first)
{
    struct arena_range r = {q->w, q->master, q->g, q->m, q->v, decay, first, n};
    r.w.offset += at;
    r.master.offset += at;
    r.g.offset += at;
    r.m.offset += at;
    r.v.offset += at;
    return r;
}

static bool
continues(const struct arena_range *r, const struct arena_range *next)
{
    return r->w.buf == next->w.buf && r->decay == next->decay &&
           r->w.offset + r->n == next->w.offset &&
           r->g.offset + r->n == next->g.offset;
}

static int
add_range(struct arena *a, size_t *cap, const struct arena_range *next)
{
    struct arena_range *r = a->ranges ? a->range + a->ranges - 1 : NULL;
    if (r && continues(r, next)) {
        r->n += next->n;
        return MOE_OK;
    }
    r = mem_grow(a->range, cap, a->ranges + 1, sizeof *r);
    if (!r)
        return moe_fail(moe_ctx_err(a->ctx), MOE_ENOMEM,
                        "training: out of memory");
    a->range = r;
    r[a->ranges++] = *next;
    return MOE_OK;
}

/* The ranges of one parameter: one, or one for each stretch of rows that all
 * decay or do not. */
static int
add_param(struct builder *b, size_t *cap, const struct arena_param *q,
          bool decay, uint64_t first)
{
    const struct arena_options *opt = b->opt;
    const bool by_row = decay && opt->decays;
    const int64_t rows = by_row ? q->w.dim[0] : 1;
    const uint64_t width = tensor_count(&q->w) / (uint64_t)rows;
    int rc = MOE_OK;
    for (int64_t row = 0, end; !rc && row < rows; row = end) {
        const bool some = !by_row || opt->decays(opt->arg, &q->p, row);
        for (end = row + 1;
             end < rows && opt->decays(opt->arg, &q->p, end) == some;)
            end++;
        const uint64_t at = (uint64_t)row * width;
        const struct arena_range r = part_of(
            q, at, (uint64_t)(end - row) * width, decay && some, first + at);
        rc = add_range(b->a, cap, &r);
    }
    return rc;
}

static int
find_ranges(struct builder *b)
{
    struct arena *a = b->a;
    size_t cap = 0, k = 0;
    uint64_t first = 0;
    for (uint8_t class = 0; class < CLASSES; class ++)
        for (size_t i = k = 0; i < b->layout.places; i++) {
            const struct layout_place *l = &b->layout.place[i];
            const struct arena_param *q = &a->param[k];
            k += l->held;
            if (!l->trained || l->class != class)
                continue;
            int rc = add_param(b, &cap, q, class & CLASS_DECAY, first);
            if (rc)
                return rc;
            first += l->n;
        }
    for (size_t i = 0; i < a->ranges; i++) {
        struct arena_range *r = &a->range[i];
        r->w = stretch(&r->w, r->n);
        r->g = stretch(&r->g, r->n);
        r->m = stretch(&r->m, r->n);
        r->v = stretch(&r->v, r->n);
        if (r->master.buf)
            r->master = stretch(&r->master, r->n);
    }
    return MOE_OK;
}

/* ---- Life --------------------------------------------------------------- */

static int
build(struct builder *b)
{
    struct arena *a = b->a;
    const struct moe_config *config = &a->model->config;
    const struct layout *l = &b->layout;
    int rc = make_segments(b);
    if (rc)
        return rc;
    a->param = mem_zero(l->places, sizeof *a->param);
    a->grads.layer = mem_zero((size_t)config->L, sizeof *a->grads.layer);
    if (!a->param || !a->grads.layer)
        return moe_fail(moe_ctx_err(a->ctx), MOE_ENOMEM,
                        "training: out of memory");
    for (size_t i = 0; i < l->places; i++)
        if (l->place[i].held)
            fill_param(b, &a->param[a->params++], &l->place[i]);
    a->trained = l->trained;
    a->lowest = layout_lowest(l, config->L);
    rc = find_ranges(b);
    if (!rc)
        rc = arena_move(b);
    if (!rc)
        rc = model_trim(a->model);
    return rc ? rc : zero_state(b);
}

int
arena_create(struct arena **out, struct moe_model *model,
             const struct arena_options *opt)
{
    struct moe_err *err = moe_ctx_err(model->ctx);
    struct builder b = {.opt = opt};
    struct need need = {0};
    *out = NULL;
    if (!(b.a = mem_zero(1, sizeof *b.a)))
        return moe_fail(err, MOE_ENOMEM, "training: out of memory");
    b.a->ctx = model->ctx;
    b.a->model = model;
    const struct device_info *device = ctx_device(model->ctx);
    int rc = layout_make(err, &b.layout, &model->config, opt,
                         device->max_alloc_bytes);
    segments_need(&need, &b.layout, opt);
    if (!rc)
        rc = need_check(err, device, &need, "training");
    if (!rc)
        rc = build(&b);
    layout_free(&b.layout);
    free(b.segment);
    free(b.x);
    free(b.y);
    if (rc)
        arena_destroy(&b.a);
    *out = b.a;
    return rc;
}

void
arena_destroy(struct arena **ap)
{
    struct arena *a = *ap;
    *ap = NULL;
    if (!a)
        return;
    ctx_finish(a->ctx); // nothing enqueued may still use the buffers
    for (size_t i = 0; i < a->buffer_count; i++)
        buffer_destroy(&a->buffers[i]);
    free(a->buffers);
    free(a->param);
    free(a->range);
    free(a->grads.layer);
    free(a);
}

int
arena_zero_grads(struct arena *a)
{
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < a->ranges; i++)
        rc = zero_forward(a->ctx, &a->range[i].g, a->range[i].n);
    return rc;
}
