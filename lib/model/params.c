/*
 * params.c - which parameters there are, and how many.
 */
#include "model/params.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const struct {
    enum param_group group;
    enum param_scope scope;
    const char *shape;
    enum param_when when;
} kinds[PARAM_KINDS] = {
#define XX(kind, group, scope, shape, when)                                    \
    {GROUP_##group, SCOPE_##scope, shape, WHEN_##when},
    PARAM_MAP(XX)
#undef XX
};

enum param_group
param_group(enum param_kind kind)
{
    return kinds[kind].group;
}

enum param_scope
param_scope(enum param_kind kind)
{
    return kinds[kind].scope;
}

bool
param_present(enum param_kind kind, const struct moe_config *config)
{
    switch (kinds[kind].when) {
    case WHEN_ALWAYS:
        return true;
    case WHEN_UNTIED:
        return !config->tie_embeddings;
    case WHEN_BIASED:
        return config->attention_bias;
    case WHEN_FUSED:
        break;
    }
    return false;
}

static int64_t
letter_size(char letter, const struct moe_config *c)
{
    switch (letter) {
    case 'V':
        return c->V;
    case 'D':
        return c->D;
    case 'E':
        return c->E;
    case 'F':
        return c->F;
    case 'Q':
        return c->H * c->S;
    case 'J':
        return c->G * c->S;
    default:
        return 2 * c->F;
    }
}

struct tensor
param_shape(enum param_kind kind, const struct moe_config *config)
{
    int64_t dim[TENSOR_RANK];
    int rank = 0;
    for (const char *s = kinds[kind].shape; *s; s++)
        dim[rank++] = letter_size(*s, config);
    return tensor_shape(DTYPE_F32, rank, dim);
}

bool
param_is_small(enum param_kind kind, const struct moe_config *config)
{
    return param_group(kind) == GROUP_ROUTER ||
           param_shape(kind, config).rank == 1;
}

uint64_t
param_elements(enum param_kind kind, const struct moe_config *config)
{
    struct tensor t = param_shape(kind, config);
    return tensor_count(&t);
}

uint64_t
param_repeats(enum param_kind kind, const struct moe_config *config)
{
    uint64_t n = 1;
    if (!param_present(kind, config))
        return 0;
    if (kinds[kind].scope != SCOPE_MODEL)
        n *= (uint64_t)config->L;
    if (kinds[kind].scope == SCOPE_EXPERT)
        n *= (uint64_t)config->E;
    return n;
}

uint64_t
params_small(const struct moe_config *config)
{
    uint64_t n = 0;
    for (int k = 0; k < PARAM_KINDS; k++)
        if (param_is_small(k, config))
            n += param_repeats(k, config) * param_elements(k, config);
    return n;
}

/* The parameters of one scope: append them for this layer and expert. */
static void
append(struct param *list, size_t *n, const struct moe_config *config,
       enum param_scope scope, int layer, int expert)
{
    for (int k = 0; k < PARAM_KINDS; k++)
        if (kinds[k].scope == scope && param_present(k, config))
            list[(*n)++] = (struct param){k, layer, expert};
}

int
params_list(struct moe_err *err, struct param **out, size_t *n,
            const struct moe_config *config)
{
    uint64_t count = 0;
    for (int k = 0; k < PARAM_KINDS; k++)
        count += param_repeats(k, config);
    struct param *list = mem_zero((size_t)count, sizeof *list);
    *out = list;
    *n = 0;
    if (!list)
        return moe_fail(err, MOE_ENOMEM, "no memory for a list of parameters");
    list[(*n)++] = (struct param){.kind = PARAM_EMBED};
    for (int l = 0; l < config->L; l++) {
        append(list, n, config, SCOPE_LAYER, l, 0);
        for (int e = 0; e < config->E; e++)
            append(list, n, config, SCOPE_EXPERT, l, e);
    }
    list[(*n)++] = (struct param){.kind = PARAM_FINAL_NORM};
    if (param_present(PARAM_HEAD, config))
        list[(*n)++] = (struct param){.kind = PARAM_HEAD};
    return MOE_OK;
}

/* Elements of all parameters of a kind. */
static bool
kind_total(uint64_t *out, enum param_kind kind, const struct moe_config *config)
{
    struct tensor t = param_shape(kind, config);
    uint64_t factor[TENSOR_RANK + 1] = {param_repeats(kind, config)};
    for (int i = 0; i < TENSOR_RANK; i++)
        factor[1 + i] = (uint64_t)t.dim[i];
    return mem_product(out, factor, TENSOR_RANK + 1);
}

int
moe_param_count(struct moe_err *err, struct moe_param_totals *out,
                const struct moe_config *config)
{
    uint64_t *group[GROUPS] = {
        [GROUP_EMBEDDING] = &out->embedding, [GROUP_HEAD] = &out->head,
        [GROUP_ATTENTION] = &out->attention, [GROUP_NORM] = &out->norms,
        [GROUP_ROUTER] = &out->routers,      [GROUP_EXPERT] = &out->experts};
    memset(out, 0, sizeof *out);
    for (int k = 0; k < PARAM_KINDS; k++) {
        uint64_t n;
        if (!kind_total(&n, k, config) || n > UINT64_MAX / 2 - out->total)
            return moe_fail(err, MOE_EFORMAT,
                            "config: more parameters than 64 bits can count");
        *group[kinds[k].group] += n;
        out->total += n;
        if (kinds[k].scope == SCOPE_EXPERT)
            out->per_expert += param_elements(k, config);
    }
    uint64_t idle = (uint64_t)(config->E - config->K);
    out->active = out->total - (uint64_t)config->L * idle * out->per_expert;
    return MOE_OK;
}
