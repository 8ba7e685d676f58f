/*
 * study.h - a file with several jobs: `jobs:`, `after:`, `sweep:` and
 * ${NAME.out}.
 *
 *     model: OLMoE-1B-7B-0924            fields of every job
 *     jobs:
 *       full: {kind: analyze, data: texts}
 *       short:
 *         kind: analyze
 *         data: texts
 *         after: full
 *         sweep: {window: [256, 512]}    two jobs: short-256, short-512
 *
 * A study is taken whole or not at all: names are unique, no job waits for
 * itself, every spec is complete, every input exists or will be written by a
 * job of the study.
 */
#ifndef JOB_STUDY_H
#define JOB_STUDY_H

#include "job/spec.h"

enum { JOB_STUDY_MAX = 1000 };

/* Each job stands after those that it waits for.  In a study every job has
 * `out`, and `after` names jobs of the study or queued jobs by number. */
struct job_study {
    struct job_spec *job;
    size_t n;
    bool several; // the file is a study, even one of a single job
};

/*
 * Read a spec or a study, apply n_set overrides to every job, resolve.
 *
 * out_dir  where jobs without `out` get OUT_DIR/NAME.out in a study; a spec
 *          of one job gets OUT_DIR itself.  NULL: the working directory for a
 *          study, nothing for one job.
 *
 * Errors as job_spec_parse() and job_spec_resolve().
 */
int job_study_read(struct moe_err *err, struct job_study *out, const char *path,
                   const char *const *set, size_t n_set, const char *out_dir);
void job_study_free(struct job_study *study);

#endif
