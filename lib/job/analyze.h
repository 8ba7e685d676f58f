/*
 * analyze.h - what an analysis leaves behind: counters of languages that are
 * done, lines of metrics, tables.
 */
#ifndef JOB_ANALYZE_H
#define JOB_ANALYZE_H

#include <stddef.h>

#include <polymoe/routing.h>

#include "job/run.h"

/*
 * The counters of the i-th language of the spec in OUT/checkpoints, with the
 * identity of everything that they were made from: the spec, and size and time
 * of the language's files, the tokenizer's and the model's.
 *
 * Load fails when they are not there, damaged, or of another identity; the
 * language is measured again then.
 */
int analyze_save(struct moe_err *err, const struct moe_routing *shape,
                 const struct moe_routing_language *p,
                 const struct job_run *run, size_t i);
int analyze_load(struct moe_err *err, struct moe_routing *out,
                 const struct job_run *run, size_t i);

/* One line of metrics.jsonl and of the log; seconds < 0: saved before. */
void analyze_report(struct job_run *run, const struct moe_routing_language *p,
                    double seconds);

/* The tables of results/, and a line of metrics per layer. */
int analyze_results(struct moe_err *err, const struct moe_routing *table,
                    struct job_run *run);

#endif
