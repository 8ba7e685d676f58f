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
    struct moe_steering how;
    struct moe_hook *hook; // NULL until job_steering_hook()
    bool any;
};

/* The experts that the fields name, with their layers, limit and control; they
 * go into run.json as `steer` when there is a run.  Needs no device.  *out is
 * freed by job_steering_free() also after a failure. */
int job_steering_read(struct moe_err *err, struct job_steering *out,
                      const struct job_steer *fields,
                      const struct moe_config *config, struct job_run *run);

/* Make st->hook, which a run then takes (moe_run_hook()) and must not use after
 * job_steering_free(); it stays NULL without steering. */
int job_steering_hook(struct job_steering *st, struct moe_ctx *ctx,
                      const struct moe_config *config);

/* Both from texts "FIELD=VALUE", the fields without their "steer.". */
int job_steering_parse(struct moe_err *err, struct job_steering *out,
                       const char *const *text, size_t n, struct moe_ctx *ctx,
                       const struct moe_config *config);

void job_steering_free(struct job_steering *st);

/* A map from layer to a list of experts, for records. */
json_t *job_experts_json(const struct moe_experts *set);

#endif
