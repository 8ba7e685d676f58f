/*
 * acts.h - what a training pass keeps of its forward half for its backward
 * half, at three levels of memory.
 *
 *   ACTS_KEEP        everything of every layer
 *   ACTS_RECOMPUTE   all but what one cheap kernel makes again: the two norms'
 *                    outputs and the experts' hidden rows
 *   ACTS_BLOCKS      the residual stream into each block; a block's forward
 *                    runs again before its backward
 */
#ifndef TRAIN_ACTS_H
#define TRAIN_ACTS_H

#include "model/run.h"

enum acts_level { ACTS_KEEP, ACTS_RECOMPUTE, ACTS_BLOCKS };

struct acts {
    enum acts_level level;
    int64_t L;
    struct layer_acts *layer; // (L); layers share what the level does not keep
    struct buffer **buffers;  // owned
    size_t buffer_count;
    struct dispatch *dispatch; // of each layer, or of all; owned
    size_t dispatch_count;
};

/* Activations for B T tokens at most, for layers [lowest, L): those below are
 * not trained and only lend their shared set. */
int acts_create(struct moe_ctx *ctx, struct acts **out,
                const struct moe_config *config, int64_t B, int64_t T,
                enum acts_level level, int64_t lowest);
void acts_destroy(struct acts **ap);

/* The buffers of acts_create(), added to *need. */
void acts_plan(struct need *need, const struct moe_config *config, int64_t B,
               int64_t T, enum acts_level level, int64_t lowest);

#endif
