/*
 * hook.h - edits of a router's logits, per layer and expert, before the
 * choice of the best K.
 *
 *     struct moe_hook *h;
 *     moe_hook_create(ctx, &h, moe_model_config(m));
 *     for (...)
 *         moe_hook_edit(h, layer, expert,
 *                       &(struct moe_edit){.rule = MOE_EDIT_SHIFT, .scale = 1,
 *                                          .spread = 0.5f});
 *     moe_run_hook(run, h);
 *
 * After the edits the usual softmax, choice and weighting go on.  A hook holds
 * for every token of every later pass of the run, scoring and generation
 * alike; a hook without an edit changes no bit.
 *
 * The rules of the field, z the logits of one token and s their standard
 * deviation over the experts (the population's; for the sample's multiply
 * spread by sqrt(E / (E - 1))):
 *
 *   soft        z + lambda s         SHIFT, scale 1, spread lambda
 *   hard        max z + epsilon      ON, margin |epsilon|
 *   suppress    min z - epsilon      OFF, margin |epsilon|
 *   SteerMoE    the two after a log-softmax, margin 0.01: normalise
 *   restricted  -inf                 MASK
 *
 * A margin is raised to 2^-20 of the logit where it is smaller, so that it
 * outlives rounding: an expert that is ON is among the best K of every token.
 */
#ifndef POLYMOE_HOOK_H
#define POLYMOE_HOOK_H

#include <polymoe/model.h>

#ifdef __cplusplus
extern "C" {
#endif

enum moe_edit_rule {
    MOE_EDIT_SHIFT, // scale z + add + spread s
    MOE_EDIT_ON,    // the largest z plus margin
    MOE_EDIT_OFF,   // the smallest z minus margin
    MOE_EDIT_MASK   // -inf
};

struct moe_edit {
    enum moe_edit_rule rule;
    float scale, add, spread; // of SHIFT; 1, 0, 0 is no edit
    float margin;             // of ON and OFF, >= 0
};

struct moe_hook;

/* A hook without an edit, for models of this configuration. */
MOE_API int moe_hook_create(struct moe_ctx *ctx, struct moe_hook **out,
                            const struct moe_config *config);
MOE_API void moe_hook_destroy(struct moe_hook **hp);

/* Edit the logit of one expert, in place of an earlier edit of it.  MOE_EINVAL
 * for a layer, an expert or a number out of range. */
MOE_API int moe_hook_edit(struct moe_hook *h, int64_t layer, int64_t expert,
                          const struct moe_edit *edit);

/* Make the logits of a layer log-probabilities before they are edited; only
 * layers with an edit show it. */
MOE_API int moe_hook_normalise(struct moe_hook *h, int64_t layer);

/*
 * Use the hook in every later pass of a run; NULL: none any more.
 *
 * The hook is borrowed until then and must not be edited in between.
 * MOE_EINVAL naming the layer when masks leave fewer than K experts, or when
 * more than K are ON; MOE_ESHAPE for a model of another shape.
 */
MOE_API int moe_run_hook(struct moe_run *run, struct moe_hook *h);

#ifdef __cplusplus
}
#endif
#endif
