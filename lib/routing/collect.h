/*
 * collect.h - the counters of a pass, made on the device.
 *
 *     collect_create(ctx, &c, N, L, E, K);
 *     run_observe_router(run, collect_layer, c);
 *     for each batch
 *         collect_begin(c, segments, n);
 *         moe_run_forward(run, ...);
 *         collect_end(c, language);
 *     collect_finish(c, language);
 *
 * Per layer one kernel adds choices and probabilities over short pieces of the
 * batch, in f32 over at most COLLECT_PIECE tokens; a batch is read back once,
 * and added up in double here.
 */
#ifndef ROUTING_COLLECT_H
#define ROUTING_COLLECT_H

#include <stddef.h>
#include <stdint.h>

#include <polymoe/routing.h>

#include "device/device.h"

/* Tokens of a piece.  Short, so that an f32 sum loses nothing that matters
 * and that a batch gives every core groups to work on. */
enum { COLLECT_PIECE = 32 };

/* Rows [first, end) of a batch that belong to one document.  Rows in no
 * segment are padding and are not counted. */
struct collect_segment {
    int64_t first, end;
    uint64_t document; // a document's segments follow each other
};

struct collect;

/* For batches of up to N tokens. */
int collect_create(struct moe_ctx *ctx, struct collect **out, int64_t N,
                   int64_t L, int64_t E, int64_t K);
void collect_destroy(struct collect **cp);

/* Called at the end of each document with its tokens, and count and sum of
 * probabilities (L,E); NULL: nobody looks. */
typedef void collect_document_fn(void *arg, uint64_t document, uint64_t tokens,
                                 const uint64_t *count, const double *sum);
void collect_each_document(struct collect *c, collect_document_fn *see,
                           void *arg);

/* A batch begins.  MOE_EINVAL for a segment outside [0, N) or an empty one. */
int collect_begin(struct collect *c, const struct collect_segment *segment,
                  size_t n);

/* The observer of one layer, a run_router_fn; `collect` is the collector. */
int collect_layer(void *collect, int64_t layer, const struct tensor *logits,
                  const struct tensor *probs, const struct tensor *idx,
                  const struct tensor *weight, int64_t N);

/*
 * Wait for the batch and add it to a language's counters.
 *
 * MOE_ENUMERIC when a layer's choices do not sum to K a token or a sum is not
 * finite; then nothing was added.
 */
int collect_end(struct collect *c, struct moe_routing_language *p);

/* The last batch of a language was added: end its last document. */
void collect_finish(struct collect *c, struct moe_routing_language *p);

#endif
