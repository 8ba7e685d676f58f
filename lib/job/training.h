/*
 * training.h - a job that trains: what kind: pretrain and kind: adapt share.
 *
 *     struct training t = {.spec = spec, .run = run, .kind = &kind};
 *     return training_run(err, &t);
 */
#ifndef JOB_TRAINING_H
#define JOB_TRAINING_H

#include <polymoe/tokenizer.h>

#include "data/source.h"
#include "job/corpus.h"
#include "job/run.h"
#include "train/snapshot.h"
#include "train/trainer.h"

/* Text of one language that is looked at, never trained on. */
struct training_text {
    const struct job_language *language; // borrowed
    struct corpus corpus;
    int64_t windows;
    double nll; // mean over predicted positions, of the last look
};

/* Such text of some languages, and the table results/NAME.csv of all looks. */
struct training_look {
    const char *name; // as the field
    struct training_text *text;
    size_t n;
};

struct training;

/* What the kinds do differently; only finish must be there. */
struct training_kind {
    int (*choose)(struct moe_err *, struct training *);  // p->opt is made; no
                                                         // device yet
    int (*prepare)(struct moe_err *, struct training *); // it is open; the
                                                         // model comes next
    int (*finish)(struct moe_err *, struct training *);  // the last step is
                                                         // done: the results
};

struct training {
    const struct training_kind *kind;
    const struct job_spec *spec; // borrowed
    struct job_run *run;         // borrowed
    struct moe_config config;
    char *model_dir; // the checkpoint to begin with; NULL: the spec's model
    struct moe_tokenizer *tokenizer;
    struct source_language *language; // as the source wants them
    double *share;
    struct source *source;
    struct training_look heldout, test;
    struct trainer_options opt;
    struct moe_model *model;
    struct trainer *trainer;
    int32_t *ids, *target; // (batch,T)
    uint64_t steps;        // the run's last step
    uint64_t best_step;    // of the lowest mean held-out loss; 0: none
    double best;
};

/* ---- training_setup.c: before anything runs ------------------------------ */

/* Read the configuration, the data and the held-out text, and work out how
 * long the run is; no device is opened. */
int training_read(struct moe_err *err, struct training *p);

/* Open the device, refuse what cannot fit, load the model, make the trainer. */
int training_open(struct moe_err *err, struct training *p);

void training_release(struct training *p);

/* ---- training_eval.c ------------------------------------------------------
 */

/* Perplexity of every held-out language at this step, and before the first and
 * after the last one of the text to test on: metrics, the log, and
 * results/heldout.csv and test.csv, in which each look is a block of rows. */
int training_evaluate(struct moe_err *err, struct training *p, uint64_t step);

/* ---- training_state.c -----------------------------------------------------
 */

int training_save(struct moe_err *err, struct training *p);

/* Go on from the newest snapshot that is whole; a damaged one is passed over
 * with a warning.  MOE_ESTATE when the snapshot is of another schedule. */
int training_resume(struct moe_err *err, struct training *p);

/* ---- training.c ---------------------------------------------------------- */

/* All of it: read, open, go on where a snapshot stands, every step, finish. */
int training_run(struct moe_err *err, struct training *p);

#endif
