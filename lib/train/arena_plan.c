/*
 * arena_plan.c - the memory of an arena, before any is asked for.
 */
#include "config.h"

#include <stdio.h>

#include "model/names.h"
#include "model/plan.h"
#include "train/arena_build.h"

const char *const segment_words[SEGMENT_BUFFERS] = {
    [SEGMENT_W] = "weights",
    [SEGMENT_G] = "gradients",
    [SEGMENT_M] = "first moments",
    [SEGMENT_V] = "second moments",
    [SEGMENT_MASTER] = "master weights",
};

uint64_t
segment_bytes(const struct layout_segment *s, int which,
              const struct arena_options *opt)
{
    const enum dtype t = layout_dtype(s->class, opt);
    if (which == SEGMENT_W)
        return s->w_n * dtype_bytes(t);
    if (which == SEGMENT_MASTER && !(t == DTYPE_BF16 && opt->master))
        return 0;
    return s->s_n * sizeof(float);
}

/* What cannot be in smaller pieces is named. */
static void
name_buffer(char *out, size_t cap, const struct layout_segment *s, int which)
{
    char param[NAMES_BYTES];
    if (s->units > 1)
        snprintf(out, cap, "%s", segment_words[which]);
    else if (param_group(s->first.kind) == GROUP_EXPERT)
        snprintf(out, cap, "%s of the experts of layer %d",
                 segment_words[which], s->first.layer);
    else
        snprintf(out, cap, "%s of %s", segment_words[which],
                 names_format(param, names_olmoe, &s->first));
}

void
segments_need(struct need *need, const struct layout *l,
              const struct arena_options *opt)
{
    char name[sizeof need->name + NAMES_BYTES];
    for (size_t i = 0; i < l->segments; i++)
        for (int k = 0; k < SEGMENT_BUFFERS; k++) {
            const uint64_t bytes = segment_bytes(&l->segment[i], k, opt);
            name_buffer(name, sizeof name, &l->segment[i], k);
            need_add(need, name, bytes, bytes > 0);
        }
}

int
arena_plan(struct moe_err *err, struct arena_bytes *out,
           const struct moe_config *config, const struct arena_options *opt,
           uint64_t max_alloc)
{
    struct layout l;
    const uint64_t table = 3 * (uint64_t)config->E * sizeof(uint64_t);
    int rc = layout_make(err, &l, config, opt, max_alloc);
    *out = (struct arena_bytes){0};
    if (rc)
        return rc;
    segments_need(&out->held, &l, opt);
    /* Where the experts lie, and their gradients. */
    need_add(&out->tables, "expert offsets", (uint64_t)config->L * table, 1);
    for (size_t i = 0; i < l.places; i++) {
        const struct layout_place *q = &l.place[i];
        const bool first = q->p.kind == PARAM_GATE && q->p.expert == 0;
        if (q->held && first)
            need_add(&out->tables, "offsets of expert gradients", table, 1);
        if (!q->held)
            out->frozen += q->n * plan_element_bytes(q->p.kind, config);
    }
    out->trained = l.trained;
    out->lowest = layout_lowest(&l, config->L);
    layout_free(&l);
    return MOE_OK;
}
