/*
 * plan.c - memory, before any is asked for.
 */
#include "model/plan.h"

#include <string.h>

#include "model/model.h"
#include "model/names.h"

uint64_t
plan_element_bytes(enum param_kind kind, const struct moe_config *config)
{
    bool half = strcmp(config->dtype, "bfloat16") == 0 ||
                strcmp(config->dtype, "float16") == 0;
    return half && !param_is_small(kind, config) ? 2 : 4;
}

void
plan_shared(struct need *need, const struct moe_config *config)
{
    const uint64_t matrices = 3 * (uint64_t)(config->L * config->E);
    need_add(need, "norms and routers", 4 * params_small(config), 1);
    need_add(need, "expert offsets", matrices * sizeof(uint64_t), 1);
}

void
plan_weights(struct need *need, const struct moe_config *config)
{
    const uint64_t L = (uint64_t)config->L, E = (uint64_t)config->E;
    plan_shared(need, config);
    for (int k = 0; k < PARAM_KINDS; k++) {
        uint64_t bytes =
            param_elements(k, config) * plan_element_bytes(k, config);
        struct param first = {.kind = k};
        char name[NAMES_BYTES];
        if (!param_present(k, config) || param_is_small(k, config))
            continue;
        if (k == PARAM_GATE) // of a layer, with the other two
            need_add(need, "a layer's experts", 3 * E * bytes, L);
        else if (param_group(k) != GROUP_EXPERT)
            need_add(need, names_format(name, names_olmoe, &first), bytes,
                     param_repeats(k, config));
    }
}

int
plan_model(struct moe_err *err, struct plan *out,
           const struct moe_config *config, const struct moe_run_options *opt)
{
    *out = (struct plan){0};
    plan_weights(&out->need, config);
    out->weights = out->need.bytes;
    int rc = run_plan(err, &out->need, config, opt);
    out->run = out->need.bytes - out->weights;
    return rc;
}
