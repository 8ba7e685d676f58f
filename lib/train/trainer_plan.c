/*
 * trainer_plan.c - the memory of training, before any is asked for.
 */
#include "config.h"

#include "train/trainer.h"

int
trainer_plan(struct moe_err *err, struct trainer_plan *plan,
             const struct moe_config *config, const struct trainer_options *opt)
{
    struct arena_bytes a;
    *plan = (struct trainer_plan){0};
    int rc = arena_plan(err, &a, config, &opt->arena);
    if (!rc)
        rc = pass_plan(err, &plan->pass, config, &opt->pass, a.lowest);
    if (rc)
        return rc;
    /* The sums of the norm end with one for each of a few segments. */
    plan->arena = a.held;
    plan->pass += a.tables + sizeof(float) * gradnorm_partials(a.trained);
    plan->frozen = a.frozen;
    plan->total = plan->arena + plan->pass + plan->frozen;
    return MOE_OK;
}
