/*
 * plan.c - memory, before any is asked for.
 */
#include "model/plan.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "model/model.h"

uint64_t
plan_element_bytes(enum param_kind kind, const struct moe_config *config)
{
    bool half = strcmp(config->dtype, "bfloat16") == 0 ||
                strcmp(config->dtype, "float16") == 0;
    return half && !param_is_small(kind, config) ? 2 : 4;
}

/* Bytes of one buffer of a kind: the experts of a layer are one. */
static uint64_t
buffer_bytes(enum param_kind k, const struct moe_config *config)
{
    uint64_t n = param_elements(k, config) * plan_element_bytes(k, config);
    if (param_group(k) == GROUP_EXPERT)
        n = 3 * (uint64_t)config->E * n;
    return n;
}

int
plan_model(struct moe_err *err, struct plan *out,
           const struct moe_config *config, const struct moe_run_options *opt)
{
    struct moe_param_totals n;
    *out = (struct plan){0};
    int rc = moe_param_count(err, &n, config);
    if (!rc)
        rc = run_plan(err, &out->run, config, opt);
    if (rc)
        return rc;
    uint64_t small = n.norms + n.routers;
    out->weights =
        (n.total - small) * plan_element_bytes(PARAM_EMBED, config) + 4 * small;
    out->total = out->weights + out->run;
    for (int k = 0; k < PARAM_KINDS; k++) {
        uint64_t bytes = param_present(k, config) ? buffer_bytes(k, config) : 0;
        if (bytes > out->largest)
            out->largest = bytes;
    }
    return MOE_OK;
}

uint64_t
plan_capacity(const struct device_info *device)
{
    if (device->host_memory && device->free_bytes > device->memory_bytes)
        return device->free_bytes;
    return device->memory_bytes;
}

bool
plan_fits(const struct plan *plan, const struct device_info *device)
{
    return plan->total <= plan_capacity(device) &&
           plan->largest <= device->max_alloc_bytes;
}

int
plan_check(struct moe_err *err, const struct device_info *device,
           uint64_t bytes, const char *name)
{
    char need[32], have[32];
    uint64_t capacity = plan_capacity(device);
    if (bytes <= capacity)
        return MOE_OK;
    str_bytes(need, sizeof need, bytes);
    str_bytes(have, sizeof have, capacity);
    return moe_fail(err, MOE_EFIT,
                    "%s: needs %s (%" PRIu64 " bytes), %s has %s (%" PRIu64
                    " bytes)",
                    name, need, bytes, device->name, have, capacity);
}
