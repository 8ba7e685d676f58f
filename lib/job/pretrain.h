/*
 * pretrain.h - what the files of kind: pretrain share.
 */
#ifndef JOB_PRETRAIN_H
#define JOB_PRETRAIN_H

#include <polymoe/tokenizer.h>

#include "data/source.h"
#include "job/corpus.h"
#include "job/run.h"
#include "train/snapshot.h"
#include "train/trainer.h"

/* Held-out text of one language. */
struct pretrain_heldout {
    const struct job_language *language; // borrowed
    struct corpus corpus;
    int64_t windows;
    double nll;   // mean over predicted positions, of the last look
    double first; // of the first look
};

struct pretrain {
    const struct job_spec *spec; // borrowed
    struct job_run *run;         // borrowed
    struct moe_config config;
    char *model_dir; // the checkpoint that the run begins with
    struct moe_tokenizer *tokenizer;
    struct source_language *language; // as the source wants them
    double *share;
    struct source *source;
    struct pretrain_heldout *heldout;
    size_t heldouts;
    struct trainer_options opt;
    struct moe_model *model;
    struct trainer *trainer;
    int32_t *ids, *target; // (batch,T)
    uint64_t steps;        // the run's last step
    uint64_t best_step;    // of the lowest mean held-out loss; 0: none
    double best;
};

/* ---- pretrain_setup.c: before anything runs ------------------------------ */

/* Read the configuration, the data and the held-out text, and work out how
 * long the run is; no device is opened. */
int pretrain_read(struct moe_err *err, struct pretrain *p);

/* Open the device, refuse what cannot fit, load or make the model, make the
 * trainer. */
int pretrain_open(struct moe_err *err, struct pretrain *p);

void pretrain_release(struct pretrain *p);

/* ---- pretrain_eval.c ------------------------------------------------------
 */

/* Perplexity of every held-out language at this step: metrics, the log, and
 * results/heldout.csv, in which each look is a block of rows. */
int pretrain_evaluate(struct moe_err *err, struct pretrain *p, uint64_t step);

/* ---- pretrain_state.c -----------------------------------------------------
 */

int pretrain_save(struct moe_err *err, struct pretrain *p);

/* Go on from the newest snapshot that is whole; a damaged one is passed over
 * with a warning.  MOE_ESTATE when the snapshot is of another schedule. */
int pretrain_resume(struct moe_err *err, struct pretrain *p);

/* OUT/model in Hugging Face layout, the tokenizer's files carried along. */
int pretrain_export(struct moe_err *err, struct pretrain *p);

#endif
