/*
 * init.h - a new model from its configuration alone.
 */
#ifndef MODEL_INIT_H
#define MODEL_INIT_H

#include "model/params.h"

/*
 * How matrices begin (norm weights are 1, biases 0 in both):
 *   INIT_OLMO  normal of deviation config->init_std cut at 3 deviations, for
 *              the embedding, the head, every projection, expert and router
 *   INIT_HF    plain normal; the embedding row of the pad token is 0
 * Sources: OLMoE-1B-7B-0924.yml (init_fn normal, cutoff 3); transformers,
 * OlmoePreTrainedModel._init_weights.
 */
enum init_kind { INIT_OLMO, INIT_HF };

/*
 * Write a new checkpoint to `dir`, one file, of type `dtype`.
 *
 * A value depends only on the seed, the parameter's place in params_list() and
 * the element.  Returns as export_model().
 */
int init_model(struct moe_err *err, const char *dir,
               const struct moe_config *config, enum init_kind kind,
               uint64_t seed, enum dtype dtype);

#endif
