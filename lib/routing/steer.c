/*
 * steer.c - steering as edits of router logits.
 */
#include "config.h"

#include <polymoe/steer.h>

static struct moe_edit
edit_of(const struct moe_steering *s, bool on)
{
    struct moe_edit e = {.scale = 1, .margin = (float)s->margin};
    switch (s->method) {
    case MOE_STEER_SOFT:
        e.rule = MOE_EDIT_SHIFT;
        e.spread = (float)s->strength;
        break;
    case MOE_STEER_HARD:
        e.rule = MOE_EDIT_ON;
        break;
    case MOE_STEER_SUPPRESS:
        e.rule = MOE_EDIT_OFF;
        break;
    case MOE_STEER_STEERMOE:
        e.rule = on ? MOE_EDIT_ON : MOE_EDIT_OFF;
        break;
    case MOE_STEER_MASK:
        e.rule = MOE_EDIT_MASK;
        break;
    }
    return e;
}

static int
edit_set(struct moe_hook *h, const struct moe_steering *s, bool on)
{
    const struct moe_experts *set = on ? s->on : s->off;
    const struct moe_edit edit = edit_of(s, on);
    int rc = MOE_OK;
    for (int64_t i = 0; !rc && set && i < set->layers; i++) {
        const struct moe_layer_experts *layer = &set->layer[i];
        for (int64_t k = 0; !rc && k < layer->n; k++)
            rc = moe_hook_edit(h, layer->layer, layer->expert[k], &edit);
        if (!rc && layer->n && s->method == MOE_STEER_STEERMOE)
            rc = moe_hook_normalise(h, layer->layer);
    }
    return rc;
}

int
moe_steer(struct moe_hook *h, const struct moe_steering *s)
{
    int rc = edit_set(h, s, true);
    return rc || s->method != MOE_STEER_STEERMOE ? rc : edit_set(h, s, false);
}
