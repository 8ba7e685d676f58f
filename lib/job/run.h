/*
 * run.h - a job that is running: its directory, its records, what its kind may
 * call.
 *
 * job_run() (job.h) makes one, hands it to the kind's function, and writes
 * run.json at the end.  A kind writes its tables below results_dir, reports
 * through the functions here, asks job_stopping() between two batches, and
 * returns MOE_ECANCEL when it was told to stop.
 */
#ifndef JOB_RUN_H
#define JOB_RUN_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include <polymoe/ctx.h>

#include "base/hash.h"
#include "base/progress.h"
#include "job/job.h"
#include "job/spec.h"

struct job_run {
    const struct job_spec *spec; // resolved
    char *out_dir;
    char *results_dir;          // OUT/results, exists
    struct moe_ctx *ctx;        // NULL until job_open_device()
    struct progress_meter rate; // of the current phase

    /* ---- private to the files run*.c */
    const struct job_env *env;
    FILE *log, *metrics;
    uint64_t log_bytes; // in log.txt so far
    json_t *record;     // run.json
    double deadline_s;  // monotonic; 0: none
    bool overdue;       // the deadline made it stop
    bool lost;          // a record could not be written
};

/*
 * Open the job's device: run->ctx, which belongs to the run and is closed
 * after the kind's function.  Its name, driver and program hash go into
 * run.json.  Check every input that needs no device before.
 */
int job_open_device(struct moe_err *err, struct job_run *run);

/* rc, with the sentence that the device's context keeps as the job's. */
int job_from_ctx(struct moe_err *err, const struct job_run *run, int rc);

/* A new phase begins: the rate and the estimate start again. */
void job_phase(struct job_run *run);

/* Report progress; rate, elapsed_s and eta_s are filled in here. */
void job_progress(struct job_run *run, struct moe_progress p);

void job_logf(struct job_run *run, enum moe_log_level level, const char *fmt,
              ...) MOE_PRINTF(3, 4);

/* A warning that a reader of the results must know: a line of the log, and
 * one of `warnings` in run.json. */
void job_warn(struct job_run *run, const char *fmt, ...) MOE_PRINTF(2, 3);

/* Append one object to metrics.jsonl with the time; takes the reference. */
void job_metric(struct job_run *run, json_t *object);

/*
 * A job that goes on keeps the lines of metrics.jsonl whose "step" is at most
 * `step`, and loses those after the checkpoint that it goes on from; one that
 * starts over keeps none (step 0).
 */
int job_metrics_keep(struct moe_err *err, struct job_run *run, uint64_t step);

/* Put a value under `key` of run.json; takes the reference. */
void job_record(struct job_run *run, const char *key, json_t *value);

/* A hash of everything that results are made from: the spec, and name, size and
 * time of the model's files, the tokenizer's and these, folders with what is
 * in them. */
int job_identity(struct moe_err *err, char hex[HASH_HEX],
                 const struct job_run *run, const struct job_strings *files);

/* The part of it that a model's files are, and those of an adapter's base. */
int job_identity_model(struct moe_err *err, struct hash *h, const char *model);

/* True: stop at the next safe point and return MOE_ECANCEL. */
bool job_stopping(struct job_run *run);

/* The kinds.  Each lives in a file of its name. */
int analyze_run(struct moe_err *err, const struct job_spec *spec,
                struct job_run *run);
int pretrain_run(struct moe_err *err, const struct job_spec *spec,
                 struct job_run *run);
int adapt_run(struct moe_err *err, const struct job_spec *spec,
              struct job_run *run);
int evaluate_run(struct moe_err *err, const struct job_spec *spec,
                 struct job_run *run);
int choose_run(struct moe_err *err, const struct job_spec *spec,
               struct job_run *run);

/* ---- What run*.c share --------------------------------------------------- */

/* Make the directory if need be, see that it may be used, and open the files
 * in it. */
int run_open_files(struct moe_err *err, struct job_run *run);
void run_close_files(struct job_run *run);

/* run.json: begun with what is known before the job, completed by its end;
 * both write it. */
int run_record_begin(struct moe_err *err, struct job_run *run);
void run_record_device(struct job_run *run);
int run_record_end(struct moe_err *err, struct job_run *run,
                   const struct moe_err *result);

#endif
