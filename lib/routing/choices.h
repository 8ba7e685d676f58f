/*
 * choices.h - the chosen experts of a batch, kept on the device, and what is
 * counted from them.
 *
 *     choices_create(ctx, &c, N, L, E, K, &opt);
 *     for each batch
 *         choices_begin(c, n);
 *         ... choices_layer(c, layer, idx) from the run's observer
 *         choices_end(c, ids);
 *     choices_take(c, usage);
 */
#ifndef ROUTING_CHOICES_H
#define ROUTING_CHOICES_H

#include "device/need.h"
#include "routing/usage.h"

/* Sequences of a batch, for choices_pairs(). */
struct choices_sequence {
    int32_t first, end; // rows
};

struct choices;

/* What is counted of every batch beside the sets: pairs of experts, and ids
 * of the C layers that `layer` lists (0: none). */
struct choices_options {
    bool coactivation;
    const int32_t *layer;
    int64_t C, V;
};

/* For batches of up to N rows.  Zeroed options count nothing. */
int choices_create(struct moe_ctx *ctx, struct choices **out, int64_t N,
                   int64_t L, int64_t E, int64_t K,
                   const struct choices_options *opt);
void choices_destroy(struct choices **cp);

/* The buffers of one of that size, added to *need. */
void choices_need(struct need *need, int64_t N, int64_t L, int64_t E, int64_t K,
                  const struct choices_options *opt);

void choices_begin(struct choices *c, int64_t n);

/* The choices of one layer, idx (n,K); enqueued. */
int choices_layer(struct choices *c, int64_t layer, const struct tensor *idx);

/* All layers are there: make sets, count.  ids (n) on the host, not read
 * without layers of ids. */
int choices_end(struct choices *c, const int32_t *ids);

/* Add, to common (L,K+1), how many rows share c experts with those of `other`,
 * a batch of the same rows. */
int choices_common(struct choices *c, struct choices *other, uint64_t *common);

/* pairs (L,S,2,K+1) of the sequences of the batch, see sets.h. */
int choices_pairs(struct choices *c, const struct choices_sequence *seq,
                  size_t S, int32_t *pairs);

/* Add what was counted to a language and begin anew. */
int choices_take(struct moe_err *err, struct choices *c, struct usage *u);

#endif
