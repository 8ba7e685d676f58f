/*
 * experts_set.c - some experts of some layers.
 */
#include "config.h"

#include "routing/experts_set.h"

#include <stdlib.h>

#include "base/mem.h"

void
moe_experts_free(struct moe_experts *experts)
{
    for (int64_t i = 0; i < experts->layers; i++)
        free(experts->layer[i].expert);
    free(experts->layer);
    *experts = (struct moe_experts){0};
}

void
moe_experts_cap(struct moe_experts *experts, int64_t most)
{
    for (int64_t i = 0; i < experts->layers; i++)
        if (experts->layer[i].n > most)
            experts->layer[i].n = most;
}

int
experts_open(struct moe_err *err, struct moe_experts *out, int64_t L, int64_t E)
{
    *out = (struct moe_experts){0};
    out->layer = mem_zero((size_t)L, sizeof *out->layer);
    bool good = out->layer != NULL;
    for (int64_t l = 0; good && l < L; l++) {
        struct moe_layer_experts *to = &out->layer[out->layers++];
        to->layer = l;
        to->expert = mem_zero((size_t)E, sizeof *to->expert);
        good = to->expert != NULL;
    }
    if (good)
        return MOE_OK;
    moe_experts_free(out);
    return moe_fail(err, MOE_ENOMEM, "experts: out of memory");
}

bool
experts_have(const struct moe_layer_experts *layer, int64_t expert)
{
    for (int64_t i = 0; i < layer->n; i++)
        if (layer->expert[i] == expert)
            return true;
    return false;
}

void
experts_add(struct moe_experts *set, int64_t layer, int64_t expert)
{
    struct moe_layer_experts *to = &set->layer[layer];
    if (!experts_have(to, expert))
        to->expert[to->n++] = (int32_t)expert;
}

void
experts_close(struct moe_experts *set)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < set->layers; i++)
        if (set->layer[i].n)
            set->layer[kept++] = set->layer[i];
        else
            free(set->layer[i].expert);
    set->layers = kept;
}
