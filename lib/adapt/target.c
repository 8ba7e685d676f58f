/*
 * target.c - what an adaptation trains, parameter by parameter.
 */
#include "config.h"

#include "adapt/target.h"

#include <stdlib.h>

#include "base/mem.h"

int
adapt_target_init(struct moe_err *err, struct adapt_target *t,
                  const struct moe_config *config)
{
    const size_t L = (size_t)config->L, E = (size_t)config->E;
    *t = (struct adapt_target){.L = config->L, .E = config->E};
    t->expert = mem_zero(L * E, sizeof *t->expert);
    t->router = mem_zero(L, sizeof *t->router);
    t->layer = mem_zero(L, sizeof *t->layer);
    if (t->expert && t->router && t->layer)
        return MOE_OK;
    adapt_target_free(t);
    return moe_fail(err, MOE_ENOMEM, "adaptation: out of memory");
}

void
adapt_target_free(struct adapt_target *t)
{
    free(t->expert);
    free(t->router);
    free(t->layer);
    *t = (struct adapt_target){0};
}

void
adapt_target_add(struct adapt_target *t, const struct moe_experts *experts,
                 bool routers)
{
    for (int64_t i = 0; i < experts->layers; i++) {
        const struct moe_layer_experts *l = &experts->layer[i];
        for (int64_t k = 0; k < l->n; k++)
            t->expert[l->layer * t->E + l->expert[k]] = true;
        t->router[l->layer] |= routers && l->n > 0;
    }
}

bool
adapt_trains(const void *arg, const struct param *p)
{
    const struct adapt_target *t = arg;
    const enum param_group group = param_group(p->kind);
    if (t->full)
        return true;
    if (group == GROUP_EMBEDDING || group == GROUP_HEAD)
        return t->embeddings;
    if (param_scope(p->kind) == SCOPE_MODEL)
        return false;
    if (t->layer[p->layer])
        return true;
    if (group == GROUP_ROUTER)
        return t->router[p->layer];
    return group == GROUP_EXPERT && t->expert[p->layer * t->E + p->expert];
}

/* Whether a layer has experts that are trained, and others that are not. */
static bool
is_part(const struct adapt_target *t, int64_t layer)
{
    int64_t n = 0;
    for (int64_t e = 0; e < t->E; e++)
        n += t->expert[layer * t->E + e];
    return n > 0 && n < t->E;
}

bool
adapt_beside(const struct adapt_target *t, const struct param *p)
{
    return param_group(p->kind) == GROUP_EXPERT && is_part(t, p->layer) &&
           !adapt_trains(t, p);
}

bool
adapt_decays(const void *arg, const struct param *p, int64_t row)
{
    const struct adapt_target *t = arg;
    return !t->keep_rows || p->kind != PARAM_ROUTER || !is_part(t, p->layer) ||
           t->expert[p->layer * t->E + row];
}

int
adapt_mask(struct moe_hook *h, const struct adapt_target *t)
{
    const struct moe_edit mask = {.rule = MOE_EDIT_MASK};
    int rc = MOE_OK;
    for (int64_t l = 0; l < t->L; l++)
        for (int64_t e = 0; !rc && e < t->E && is_part(t, l); e++)
            if (!t->expert[l * t->E + e])
                rc = moe_hook_edit(h, l, e, &mask);
    return rc;
}

uint64_t
adapt_parameters(const struct adapt_target *t, const struct moe_config *config)
{
    uint64_t n = 0;
    for (int k = 0; k < PARAM_KINDS; k++) {
        const enum param_scope scope = param_scope(k);
        const int layers = scope == SCOPE_MODEL ? 1 : (int)config->L;
        const int experts = scope == SCOPE_EXPERT ? (int)config->E : 1;
        for (int l = 0; l < layers && param_present(k, config); l++)
            for (int e = 0; e < experts; e++)
                if (adapt_trains(t, &(struct param){k, l, e}))
                    n += param_elements(k, config);
    }
    return n;
}
