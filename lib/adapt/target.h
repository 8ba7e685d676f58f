/*
 * target.h - what an adaptation trains.
 *
 * Source: study A's trainer, which unfreezes the matrices of some experts and
 * the routers of their layers.
 */
#ifndef ADAPT_TARGET_H
#define ADAPT_TARGET_H

#include <polymoe/hook.h>
#include <polymoe/routing.h>

#include "model/params.h"

/* Zeroed: nothing. */
struct adapt_target {
    int64_t L, E;
    bool *expert;    // (L,E)
    bool *router;    // (L)
    bool *layer;     // (L): all of a layer
    bool embeddings; // embedding and head
    bool full;       // everything
    bool keep_rows;  // rows of routers whose experts are not trained do not
                     // decay
};

/* Nothing yet, for a model of this configuration; MOE_ENOMEM. */
int adapt_target_init(struct moe_err *err, struct adapt_target *t,
                      const struct moe_config *config);
void adapt_target_free(struct adapt_target *t);

/* Add experts, and the routers of their layers when asked for. */
void adapt_target_add(struct adapt_target *t, const struct moe_experts *experts,
                      bool routers);

/* Whether a parameter is trained; arg is the target (arena_options.trains). */
bool adapt_trains(const void *arg, const struct param *p);

/* Whether a row of a trained parameter decays (arena_options.decays). */
bool adapt_decays(const void *arg, const struct param *p, int64_t row);

/* Whether a parameter is of an expert that is not trained where another of its
 * layer is. */
bool adapt_beside(const struct adapt_target *t, const struct param *p);

/* Mask, in every layer that has trained experts, the others: study A's
 * restriction of routing in training.  MOE_EINVAL as moe_hook_edit(). */
int adapt_mask(struct moe_hook *h, const struct adapt_target *t);

/* Parameters that are trained. */
uint64_t adapt_parameters(const struct adapt_target *t,
                          const struct moe_config *config);

#endif
