/*
 * analyze.h - an analysis while it runs: its parts, and the files that make
 * them.
 *
 *     analyze.c           the whole
 *     analyze_read.c      everything that is known before the device
 *     analyze_pass.c      windows of text
 *     analyze_parallel.c  sequences of parallel text and of tasks
 *     analyze_store.c     what is kept of a part that is done
 *     analyze_results.c   tables
 */
#ifndef JOB_ANALYZE_H
#define JOB_ANALYZE_H

#include <polymoe/model.h>
#include <polymoe/routing.h>
#include <polymoe/tokenizer.h>

#include "job/corpus.h"
#include "job/run.h"
#include "job/sequences.h"
#include "job/steer.h"
#include "routing/choices.h"
#include "routing/collect.h"
#include "routing/parallel.h"
#include "routing/usage.h"

/* One language's text. */
struct analyze_part {
    const struct job_language *language;
    struct corpus corpus; // empty when the counters were saved before
    struct usage usage;
    int64_t windows;
    bool saved;
};

/* One language's parallel text, or one task. */
struct analyze_section {
    const struct job_language *language;
    bool task;
    struct sequences text; // empty when the sums were saved before
    struct parallel sums;
    bool saved;
};

struct analysis {
    const struct job_spec *spec;
    struct job_run *run;
    struct moe_config config;
    int64_t W, B; // tokens of a window, windows of a pass
    struct analyze_part *part;
    size_t parts;
    struct moe_routing table;
    struct usage together; // pairs of experts of all languages
    int32_t *token_layer;  // C layers whose token ids are looked at
    int64_t C;

    struct analyze_section *section; // languages, then tasks
    size_t sections;
    int64_t pivot; // its place among the sections, -1: no parallel text
    double **q;    // sums (L,E) of each line of the pivot, or NULL
    size_t lines;  // of the parallel text

    struct moe_parent *parent; // of the selection
    const char **high;
    int64_t *layer;
    struct moe_selection selection;

    struct moe_model *model, *second;
    struct moe_run *pass, *second_pass;
    struct job_steering steering;
    struct collect *collect;
    struct choices *choices, *sequence_choices, *second_choices;
    struct choices *watched;         // of the text, or of sequences
    struct collect_segment *segment; // (B W)
    float *nll;                      // (B,W-1), NULL without perplexity

    uint64_t done, total; // tokens, of everything
};

/* Check the spec and read every input; nothing of it needs a device. */
int analyze_prepare(struct moe_err *err, struct analysis *a);

/* The fields of a selection, with their defaults; also before the device. */
int analyze_selection(struct moe_err *err, struct analysis *a);

/* All parts, and all sections, that are not saved. */
int analyze_parts(struct moe_err *err, struct analysis *a);
int analyze_sections(struct moe_err *err, struct analysis *a);

/* Report how many tokens are done; MOE_ECANCEL when the job is to stop. */
int analyze_step(struct moe_err *err, struct analysis *a, const char *item,
                 uint64_t tokens);

/*
 * What is kept in OUT/checkpoints of the i-th language of the spec, or of the
 * i-th section, with a checksum and the identity of everything that it was
 * made from: the spec, and size and time of the files, the tokenizer's and the
 * models'.
 *
 * Load fails when it is not there, damaged, or of another identity; that part
 * is measured again then.
 */
int analyze_save(struct moe_err *err, const struct analysis *a, size_t i);
int analyze_load(struct moe_err *err, struct analysis *a, size_t i);
int analyze_save_section(struct moe_err *err, const struct analysis *a,
                         size_t i);
int analyze_load_section(struct moe_err *err, struct analysis *a, size_t i);

/* One line of metrics.jsonl and of the log; seconds < 0: saved before. */
void analyze_report(struct job_run *run, const struct moe_routing_language *p,
                    double seconds);

/* The tables of results/, and a line of metrics per layer. */
int analyze_results(struct moe_err *err, struct analysis *a);

/* scores.csv and score_correlation.csv, from the file of the field `scores`.
 * Without `write` the file is only checked: MOE_EFORMAT with FILE:LINE for a
 * value that is not a finite number. */
int analyze_scores(struct moe_err *err, struct analysis *a, bool write);

#endif
