/*
 * trainer_plan.c - the memory of training, before any is asked for.
 */
#include "config.h"

#include "train/trainer.h"

#include "model/plan.h"

int
trainer_plan(struct moe_err *err, struct trainer_plan *plan,
             const struct moe_config *config, const struct trainer_options *opt,
             uint64_t max_alloc)
{
    struct need weights = {0}, *need = &plan->need;
    struct arena_bytes a;
    *plan = (struct trainer_plan){0};
    int rc = arena_plan(err, &a, config, &opt->arena, max_alloc);
    if (!rc)
        rc = pass_plan(err, need, config, &opt->pass, a.lowest);
    if (rc)
        return rc;
    /* The sums of the norm end with one for each of a few segments. */
    need_all(need, &a.tables);
    need_add(need, "gradient norm",
             sizeof(float) * gradnorm_partials(a.trained), 1);
    plan->pass = need->bytes;
    need_all(need, &a.held);
    plan->arena = a.held.bytes;
    plan->frozen = a.frozen;
    need->bytes += a.frozen;
    /* They are loaded first, whole. */
    plan_weights(&weights, config);
    need_once(need, &weights);
    return MOE_OK;
}
