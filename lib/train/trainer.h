/*
 * trainer.h - the step: gradients of a batch in micro-batches, global norm,
 * clipping, update.
 *
 *     trainer_create(&t, model, &opt);
 *     while (...)
 *         trainer_step(t, ids, target, rows, &metrics);
 *     trainer_destroy(&t);
 *
 * The router's losses are those of each micro-batch, weighted by its tokens, or
 * of the whole batch (loss.aux_batch), which then costs another forward half
 * when it is more than one micro-batch.
 * A step is a function of the weights, moments, step number, tokens seen and
 * the batch: a run resumed from a snapshot of these equals one that was never
 * stopped, bit for bit.
 */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include "train/optimizer.h"
#include "train/pass.h"
#include "train/schedule.h"

struct trainer_options {
    struct arena_options arena;
    struct pass_options pass; // B: sequences of a micro-batch
    struct schedule schedule;
    bool schedule_in_tokens; // else in steps
    double beta1, beta2, eps, decay;
    double clip; // largest global norm; 0: none
    uint64_t seed;
};

/* What a step did. */
struct trainer_metrics {
    uint64_t step;     // of this step, from 1
    uint64_t tokens;   // positions seen so far, this step included
    double loss;       // what was minimised: ce + aux + z with their weights
    double ce, aux, z; // without their weights; ce by the loss' convention
    int64_t labels;    // positions that predict something
    double nll;        // mean over them, 0 without any; perplexity is exp(nll)
    double rate;       // learning rate of this step
    double norm;       // global norm before clipping
    double seconds, forward_s, backward_s, optimizer_s;
};

struct trainer;

/* MOE_EFIT, with needed and available bytes, before anything is taken when the
 * plan exceeds what the device can hold, or one buffer of it what the device
 * gives in one piece; else as arena_create() and pass_create(). */
int trainer_create(struct trainer **out, struct moe_model *model,
                   const struct trainer_options *opt);
void trainer_destroy(struct trainer **tp);

/*
 * One step over ids and target (rows,T), as for pass_gradients(); rows need
 * not be a multiple of the micro-batch.
 *
 * MOE_ENUMERIC when loss or gradients are not finite, with the step, the layer
 * and the tensor; no weight was moved then.  A batch without a label trains
 * the routers' losses alone.
 */
int trainer_step(struct trainer *t, const int32_t *ids, const int32_t *target,
                 int64_t rows, struct trainer_metrics *m);

/* Only the gradients of the batch, as trainer_step() makes them before it
 * updates; for tests.  Norm and rate are not set. */
int trainer_gradients(struct trainer *t, const int32_t *ids,
                      const int32_t *target, int64_t rows,
                      struct trainer_metrics *m);

struct arena *trainer_arena(struct trainer *t);
struct pass *trainer_pass(struct trainer *t);

/* Share of the choices of each layer that its experts got in the last step,
 * (L,E). */
const double *trainer_load(const struct trainer *t);

/* Where the run stands: steps done and positions seen. */
void trainer_position(const struct trainer *t, uint64_t *step,
                      uint64_t *tokens);
void trainer_seek(struct trainer *t, uint64_t step, uint64_t tokens);

/* The learning rate that the next step will use. */
double trainer_next_rate(const struct trainer *t);

/* Bytes. */
struct trainer_plan {
    uint64_t arena;   // weights that are trained, their gradients and moments
    uint64_t pass;    // activations, scratch, tables
    uint64_t frozen;  // weights that are not: in place where the device shares
                      // the host's memory
    struct need need; // of all of them
};
/* max_alloc as for arena_plan(). */
int trainer_plan(struct moe_err *err, struct trainer_plan *plan,
                 const struct moe_config *config,
                 const struct trainer_options *opt, uint64_t max_alloc);

#endif
