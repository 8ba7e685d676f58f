/*
 * pass.h - forward and backward of one micro-batch: the gradients of a loss.
 *
 *     pass_create(&p, arena, &opt);
 *     arena_zero_grads(arena);
 *     with aux_batch, for each micro-batch unless there is only one
 *         pass_count(p, ids, B, T);
 *     for each micro-batch
 *         pass_gradients(p, ids, labelled, B, T, scale);
 *     pass_sums(p, &sums);
 *
 * Nothing here moves a weight.  A call waits once, at its end.
 */
#ifndef TRAIN_PASS_H
#define TRAIN_PASS_H

#include "train/acts.h"
#include "train/arena.h"
#include "train/auxloss.h"
#include "train/prefix.h"

/* The loss: ce + aux_weight * balance + z_weight * z. */
struct loss_options {
    enum aux_kind aux; // whose balancing loss
    bool aux_batch;    // statistics of the whole batch, not of a micro-batch
    double aux_weight; // 0: none
    double z_weight;   // 0: none
    bool z_div_topk;   // divide the z-loss by K too
    bool ce_positions; // divide cross-entropy by all B T positions, as
                       // OLMo does; else by the labels, as Hugging Face
};
extern const struct loss_options loss_olmoe, loss_hf;

struct pass_options {
    int64_t B, T; // largest micro-batch
    enum acts_level level;
    struct loss_options loss;
    struct moe_hook *hook; // of the routers while gradients are made, borrowed
                           // until pass_destroy(); NULL: none
    struct prefix *prefix; // what the frozen layers made of windows, borrowed
                           // likewise; NULL: they are always computed
};

struct pass;

/*
 * How many layers from the first on are there only for what they hand to the
 * layer above: nothing below it is trained or edited, and no loss of the
 * routers has a weight.  Statistics of the routers leave them out.  `lowest` as
 * arena.lowest.
 */
int64_t pass_frozen(const struct pass_options *opt, int64_t lowest, int64_t L);

/* MOE_EINVAL for a hook that has no gradient (HOOK_TRAIN), and for a prefix
 * without a frozen layer. */
int pass_create(struct pass **out, struct arena *arena,
                const struct pass_options *opt);
void pass_destroy(struct pass **pp);

/* How much of the whole batch a micro-batch is. */
struct pass_scale {
    double ce;  // 1 / denominator of the cross-entropy of the whole batch
    double aux; // tokens of this micro-batch / tokens of the batch
};

/*
 * Add the gradients of one micro-batch to the arena's.
 *
 * ids (B,T), each in [0,V).  target (B,T): the id that position t predicts, or
 * negative where it predicts nothing.  MOE_EFORMAT for an id out of range;
 * MOE_ENUMERIC for a router logit that is not finite, with layer and token.
 */
int pass_gradients(struct pass *p, const int32_t *ids, const int32_t *target,
                   int64_t B, int64_t T, const struct pass_scale *scale);

/*
 * Count the choices of one micro-batch of the batch that is about to come:
 * with aux_batch the balancing loss of each needs those of all.  A forward
 * half without the last layer's experts and without the head.  Errors as
 * above.
 */
int pass_count(struct pass *p, const int32_t *ids, int64_t B, int64_t T);

/* What the micro-batches since the last call added up to. */
struct pass_sums {
    double nll;        // sum of -log p over labelled positions
    int64_t labels;    // of them
    int64_t tokens;    // positions
    double balance, z; // losses without their weights, mean over micro-batches
                       // weighted by tokens; with aux_batch, of all of them;
                       // of the layers that are not frozen
    double forward_s, backward_s;
};
/* count (L,E): top-k choices of every expert, 0 in frozen layers; NULL: not
 * wanted. */
void pass_sums(struct pass *p, struct pass_sums *sums, uint64_t *count);

/* Only the forward half and the likelihoods: nll (B,T), 0 where target is
 * negative.  For held-out text. */
int pass_forward(struct pass *p, const int32_t *ids, const int32_t *target,
                 int64_t B, int64_t T, float *nll);

/* The buffers of pass_create(), from the configuration alone, added to *need.
 */
int pass_plan(struct moe_err *err, struct need *need,
              const struct moe_config *config, const struct pass_options *opt,
              int64_t lowest);

#endif
