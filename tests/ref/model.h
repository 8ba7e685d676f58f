/*
 * model.h - the whole model and its loss in double.
 */
#ifndef TESTS_REF_MODEL_H
#define TESTS_REF_MODEL_H

#include "model/params.h"
#include "train/pass.h"

/* The loss of ids and target (B,T) under `params`, every parameter one after
 * the other in the order of params_list(). */
double ref_model_loss(const struct moe_config *c, const double *params,
                      const struct loss_options *o, const int32_t *ids,
                      const int32_t *target, int64_t B, int64_t T);

#endif
