/*
 * plan.h - how much memory a model and a run take, before any is asked for.
 */
#ifndef MODEL_PLAN_H
#define MODEL_PLAN_H

#include <polymoe/model.h>

#include "device/device.h"
#include "model/params.h"

/* Bytes. */
struct plan {
    uint64_t weights; // in the type of the files; norms and routers f32
    uint64_t run;     // activations of one shape
    uint64_t total;
    uint64_t largest; // buffer of the weights: what the device must give in
                      // one piece
};

/* From the configuration alone; a dtype that it does not give counts as f32.
 */
int plan_model(struct moe_err *err, struct plan *out,
               const struct moe_config *config,
               const struct moe_run_options *opt);

/* Bytes of an element of a kind of parameters as it is loaded. */
uint64_t plan_element_bytes(enum param_kind kind,
                            const struct moe_config *config);

/* What a device can hold at all: its memory or, where that is the host's, what
 * the system can give if that is more (drivers report less than there is). */
uint64_t plan_capacity(const struct device_info *device);

/* Whether the whole fits, and its largest piece in one allocation. */
bool plan_fits(const struct plan *plan, const struct device_info *device);

/* MOE_EFIT with both figures unless `bytes` fit on the device. */
int plan_check(struct moe_err *err, const struct device_info *device,
               uint64_t bytes, const char *name);

#endif
