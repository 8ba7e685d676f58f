/*
 * model/hook.h - what the library's own files see of a hook.
 */
#ifndef MODEL_HOOK_H
#define MODEL_HOOK_H

#include <polymoe/hook.h>

#include "nn/nn.h"

/* What a hook is used for, and what is checked. */
enum hook_use {
    HOOK_RUN,  // masks must leave K experts
    HOOK_TRAIN // masks may leave fewer: the others of the K then have weight
               // 0; no ON, no OFF, no spread, nothing normalised, whose
               // gradients there are none of
};

/* Check the hook and put it on the device. */
int hook_prepare(struct moe_hook *h, const struct moe_config *config,
                 enum hook_use use);

/* The lowest layer with an edit; one above the last: none. */
int64_t hook_lowest(const struct moe_hook *h);

/* Change logits (N,E) of a layer in place; h may be NULL. */
int hook_forward(const struct moe_hook *h, int64_t layer,
                 const struct tensor *logits, int64_t N);

/* The gradient of what hook_forward() made becomes that of what it got. */
int hook_backward(const struct moe_hook *h, int64_t layer,
                  const struct tensor *dlogits, int64_t N);

#endif
