/*
 * job.h - a job spec turned into work: what `polymoe run` and the worker call.
 */
#ifndef JOB_JOB_H
#define JOB_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include <polymoe/ctx.h>

#include "base/progress.h"

struct job_spec;

/* Where a running job reports.  Every function may be NULL. */
struct job_sink {
    void (*progress)(void *arg, const struct moe_progress *p);
    moe_log_fn *log;                             // also written to log.txt
    void (*metric)(void *arg, const char *json); // one line, no line end;
                                                 // also to metrics.jsonl
    bool (*stopping)(void *arg);                 // true: stop at the next
                                                 // safe point
    void *arg;
};

struct job_env {
    const char *out_dir; // made when missing; the job writes only below it
    const char *device;  // selector that overrides the spec's, or NULL
    bool profile;        // report seconds per kernel at the end
    struct job_sink sink;
};

/*
 * Run a job, whose paths are resolved (job_spec_resolve), to its end.
 *
 * Writes spec.yaml, run.json, metrics.jsonl, log.txt and results/ below
 * out_dir, which must be empty or hold an unfinished run of the same spec;
 * that one starts over.  MOE_OK; MOE_ECANCEL when stopping() said so;
 * MOE_ETIMEOUT at the spec's time limit; MOE_EIO when a record could not be
 * written; otherwise the code and sentence of what failed.
 */
int job_run(struct moe_err *err, const struct job_spec *spec,
            const struct job_env *env);

#endif
