/*
 * inspect_train.h - what training a model takes, for polymoe inspect.
 */
#ifndef CLIENT_INSPECT_TRAIN_H
#define CLIENT_INSPECT_TRAIN_H

#include <jansson.h>

#include "device/device.h"
#include "train/trainer.h"

enum { INSPECT_LEVELS = 3 };

/* How it would be trained: the fields of a job spec with these names. */
struct inspect_train {
    int64_t micro_batch, window;
    const char *weights;                      // "f32", "bf16-master" or "bf16"
    struct trainer_plan plan[INSPECT_LEVELS]; // by enum acts_level
    size_t devices;
    struct need *need; // (INSPECT_LEVELS, devices), as each device cuts it
};

/* Whether `weights` is one of the three words. */
bool inspect_train_weights(const char *weights);

/* Fill what comes after the fields of the job; every parameter is trained. */
int inspect_train_plan(struct moe_err *err, struct inspect_train *t,
                       const struct moe_config *config,
                       const struct device_info *device, size_t devices);
void inspect_train_free(struct inspect_train *t);

/* device: those of the plan. */
void inspect_train_print(const struct inspect_train *t,
                         const struct device_info *device);
json_t *inspect_train_json(const struct inspect_train *t,
                           const struct device_info *device);

/* A device, what it needs to hold, and whether it does. */
json_t *inspect_fit_json(const struct need *need,
                         const struct device_info *device);

#endif
