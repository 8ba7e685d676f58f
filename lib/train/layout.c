/*
 * layout.c - where each parameter lies in an arena.
 */
#include "train/layout.h"

#include <stdlib.h>

#include "base/mem.h"

enum dtype
layout_dtype(uint8_t class, const struct arena_options *opt)
{
    return class & CLASS_SMALL ? DTYPE_F32 : opt->weights;
}

static uint8_t
class_of(enum param_kind kind, const struct moe_config *config,
         const struct arena_options *opt)
{
    enum param_group group = param_group(kind);
    bool vector = param_shape(kind, config).rank == 1;
    bool table = group == GROUP_EMBEDDING || group == GROUP_HEAD;
    bool decay = vector ? opt->decay_norms : !table || opt->decay_embeddings;
    uint8_t small = param_is_small(kind, config) ? CLASS_SMALL : 0;
    return (uint8_t)(small | (decay ? CLASS_DECAY : 0));
}

/* The end of the unit that begins at place i: past a layer's experts, or past
 * one tensor. */
static size_t
unit_end(const struct layout *l, size_t i)
{
    size_t end = i + 1;
    if (param_group(l->place[i].p.kind) != GROUP_EXPERT)
        return end;
    while (end < l->places &&
           param_group(l->place[end].p.kind) == GROUP_EXPERT &&
           l->place[end].p.layer == l->place[i].p.layer)
        end++;
    return end;
}

/* Mark what is trained and held. */
static void
mark(struct layout *l, const struct moe_config *config,
     const struct arena_options *opt)
{
    for (size_t i = 0; i < l->places; i++) {
        struct layout_place *q = &l->place[i];
        q->n = param_elements(q->p.kind, config);
        q->class = class_of(q->p.kind, config, opt);
        q->trained = !opt->trains || opt->trains(opt->arg, &q->p);
        q->segment = -1;
        l->trained += q->trained ? q->n : 0;
    }
    for (size_t i = 0, end; i < l->places; i = end) {
        bool any = false;
        end = unit_end(l, i);
        for (size_t k = i; k < end; k++)
            any = any || l->place[k].trained;
        for (size_t k = i; k < end; k++)
            l->place[k].held = any;
    }
}

/* A new segment that begins with a parameter, or NULL. */
static struct layout_segment *
add_segment(struct layout *l, size_t *cap, const struct layout_place *q)
{
    struct layout_segment *grown =
        mem_grow(l->segment, cap, l->segments + 1, sizeof *grown);
    if (!grown)
        return NULL;
    l->segment = grown;
    l->segment[l->segments] =
        (struct layout_segment){.class = q->class, .first = q->p};
    return &l->segment[l->segments++];
}

/* Whether another unit of so many elements, trained ones among them, goes into
 * a segment. */
static bool
has_room(const struct layout_segment *s, uint64_t n, uint64_t trained,
         const struct arena_options *opt, uint64_t limit)
{
    const uint64_t w = dtype_bytes(layout_dtype(s->class, opt));
    return s->w_n + n <= limit / w && s->s_n + trained <= limit / sizeof(float);
}

static void
put_unit(struct layout *l, struct layout_segment *s, size_t begin, size_t end)
{
    s->units++;
    for (size_t k = begin; k < end; k++) {
        struct layout_place *q = &l->place[k];
        q->segment = (int)(s - l->segment);
        q->w_at = s->w_n;
        q->s_at = s->s_n;
        s->w_n += q->n;
        s->s_n += q->trained ? q->n : 0;
    }
}

static int
place_class(struct moe_err *err, struct layout *l, size_t *cap, uint8_t class,
            const struct arena_options *opt, uint64_t limit)
{
    struct layout_segment *s = NULL;
    for (size_t i = 0, end; i < l->places; i = end) {
        uint64_t n = 0, trained = 0;
        end = unit_end(l, i);
        if (!l->place[i].held || l->place[i].class != class)
            continue;
        for (size_t k = i; k < end; k++) {
            n += l->place[k].n;
            trained += l->place[k].trained ? l->place[k].n : 0;
        }
        if (!s || !has_room(s, n, trained, opt, limit))
            s = add_segment(l, cap, &l->place[i]);
        if (!s)
            return moe_fail(err, MOE_ENOMEM, "training: out of memory");
        put_unit(l, s, i, end);
    }
    return MOE_OK;
}

int
layout_make(struct moe_err *err, struct layout *out,
            const struct moe_config *config, const struct arena_options *opt,
            uint64_t limit)
{
    struct param *param;
    size_t cap = 0;
    *out = (struct layout){0};
    int rc = params_list(err, &param, &out->places, config);
    if (rc)
        return rc;
    out->place = mem_zero(out->places, sizeof *out->place);
    if (!out->place)
        rc = moe_fail(err, MOE_ENOMEM, "training: out of memory");
    for (size_t i = 0; !rc && i < out->places; i++)
        out->place[i].p = param[i];
    free(param);
    if (!rc)
        mark(out, config, opt);
    if (!rc && out->trained == 0)
        rc = moe_fail(err, MOE_EINVAL, "training: no parameter is trained");
    for (uint8_t class = 0; !rc && class < CLASSES; class ++)
        rc = place_class(err, out, &cap, class, opt, limit);
    if (rc)
        layout_free(out);
    return rc;
}

int64_t
layout_lowest(const struct layout *l, int64_t L)
{
    int64_t lowest = L;
    for (size_t i = 0; i < l->places; i++) {
        const struct layout_place *q = &l->place[i];
        if (!q->trained)
            continue;
        if (q->p.kind == PARAM_EMBED)
            return -1;
        if (param_scope(q->p.kind) != SCOPE_MODEL && q->p.layer < lowest)
            lowest = q->p.layer;
    }
    return lowest;
}

void
layout_free(struct layout *l)
{
    free(l->place);
    free(l->segment);
    *l = (struct layout){0};
}
