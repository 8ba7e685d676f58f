/*
 * steer.h - the steer fields of a spec, from files to edits of a run.
 */
#ifndef JOB_STEER_H
#define JOB_STEER_H

#include <polymoe/steer.h>

#include "job/run.h"

/* Zeroed: nothing is steered. */
struct job_steering {
    struct moe_experts on, off;
    struct moe_hook *hook; // NULL without steering
};

/* The experts that the spec names, with its layers, limit and control; they go
 * into run.json as `steer`.  Needs no device.  *out is freed by
 * job_steering_free() also after a failure. */
int job_steering_read(struct moe_err *err, struct job_steering *out,
                      struct job_run *run, const struct moe_config *config);

/* Make the hook on the run's device and let the pass use it; nothing without
 * steering. */
int job_steering_use(struct job_steering *st, const struct job_run *run,
                     const struct moe_config *config, struct moe_run *pass);

void job_steering_free(struct job_steering *st);

#endif
