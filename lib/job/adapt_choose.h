/*
 * adapt_choose.h - from the fields of kind: adapt to what is trained.
 */
#ifndef JOB_ADAPT_CHOOSE_H
#define JOB_ADAPT_CHOOSE_H

#include "adapt/target.h"
#include "job/spec.h"

/*
 * What the strategy of a spec trains, into a target that was initialised.
 *
 * *experts, for the record, is the caller's also after a failure; empty where
 * whole layers are trained.  MOE_EINVAL for a field that the strategy wants
 * and that is missing, or one that it cannot use; MOE_EINPUT, MOE_EFORMAT.
 */
int adapt_choose(struct moe_err *err, struct adapt_target *target,
                 struct moe_experts *experts, const struct job_spec *spec,
                 const struct moe_config *config);

enum { ADAPT_WORD = 32 };

/* The word of a spec's strategy. */
const char *adapt_strategy_word(const struct job_spec *spec,
                                char word[ADAPT_WORD]);

#endif
