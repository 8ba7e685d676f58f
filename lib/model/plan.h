/*
 * plan.h - how much memory a model and a run take, before any is asked for.
 */
#ifndef MODEL_PLAN_H
#define MODEL_PLAN_H

#include <polymoe/model.h>

#include "device/need.h"
#include "model/params.h"

/* Bytes. */
struct plan {
    uint64_t weights; // in the type of the files; norms and routers f32
    uint64_t run;     // activations of one shape
    struct need need; // of both
};

/* From the configuration alone; a dtype that it does not give counts as f32.
 */
int plan_model(struct moe_err *err, struct plan *out,
               const struct moe_config *config,
               const struct moe_run_options *opt);

/* Bytes of an element of a kind of parameters as it is loaded. */
uint64_t plan_element_bytes(enum param_kind kind,
                            const struct moe_config *config);

/* The weights as moe_model_load() makes buffers of them, added to *need; of
 * these the buffers that all layers share. */
void plan_weights(struct need *need, const struct moe_config *config);
void plan_shared(struct need *need, const struct moe_config *config);

#endif
