/*
 * evaluate.h - an evaluation on its way: its tasks and what came out.
 */
#ifndef JOB_EVALUATE_H
#define JOB_EVALUATE_H

#include <polymoe/model.h>
#include <polymoe/tokenizer.h>

#include "eval/ask.h"
#include "job/corpus.h"
#include "job/run.h"
#include "job/steer.h"

/* One task in one language. */
struct part {
    enum task task;
    const struct job_language *language;
    char *name;           // "belebele_4shot"
    struct items items;   // what is asked
    struct corpus corpus; // of a perplexity
    int64_t shots;
    struct ask ask; // with the outcome
    bool saved;     // an earlier run of the job made it
    double seconds;
};

struct evaluation {
    const struct job_spec *spec;
    struct job_run *run;
    struct moe_config config;
    struct moe_tokenizer *tokenizer; // NULL where nothing is text
    struct encoder encoder;
    struct job_steering steering;
    struct part *part;
    size_t parts;

    struct moe_model *model;
    struct moe_run *pass;
    uint64_t done, total; // items, of all parts
    struct part *now;
};

/* The parts of the spec, their files read; needs no device. */
int evaluate_parts(struct moe_err *err, struct evaluation *e);
void part_free(struct part *p);

/* How many items a part has at most. */
size_t part_items(const struct evaluation *e, const struct part *p);

/* Put the part to the model. */
int part_ask(struct moe_err *err, struct evaluation *e, struct part *p);

/* The items of a part in results/items, and what does not stand there in
 * checkpoints; loading fails when they are not of this job's inputs. */
int part_save(struct moe_err *err, const struct evaluation *e,
              const struct part *p);
int part_load(struct moe_err *err, const struct evaluation *e, struct part *p);

/* A line of the log, one of metrics.jsonl, warnings. */
void part_report(const struct evaluation *e, const struct part *p);

/* One number of the results. */
struct row {
    const struct part *part;
    const char *task; // the part's name, or NAME:GROUP
    const char *metric;
    double value, stderr_;
    size_t n;
    bool mean; // a score of the items, not a count or a level of chance
};

/* Every row of a part, in order: take() is called for each. */
typedef void row_fn(void *arg, const struct row *r);
int part_rows(struct moe_err *err, const struct part *p, row_fn *take,
              void *arg);

/* evaluation.csv, evaluation.json, consolidated.csv; paired.csv. */
int evaluate_results(struct moe_err *err, const struct evaluation *e);
int evaluate_json(struct moe_err *err, const struct evaluation *e);
int evaluate_consolidate(struct moe_err *err, const struct evaluation *e);
int evaluate_paired(struct moe_err *err, const struct evaluation *e);

/* results/items/NAME.LANGUAGE.jsonl below a directory; the caller frees. */
char *part_items_path(const char *out_dir, const struct part *p);

#endif
