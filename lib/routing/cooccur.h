/*
 * cooccur.h - which experts are chosen together, and which token ids go to
 * which expert, counted on the device.
 *
 * Rows as in sets.h.  Counts are added to what is there: zero them to start,
 * and read them before 2^31 tokens are in.
 */
#ifndef ROUTING_COOCCUR_H
#define ROUTING_COOCCUR_H

#include <stdint.h>

#include "device/device.h"

/* together, adjacent (L,E,E) from set (L N,W) and idx (L N,K). */
int cooccur_experts(struct moe_ctx *ctx, const struct tensor *together,
                    const struct tensor *adjacent, const struct tensor *set,
                    const struct tensor *idx, int64_t L, int64_t N, int64_t E,
                    int64_t K);

/* count (C,V,E) of the first choice, for the C layers that `layer` lists. */
int cooccur_tokens(struct moe_ctx *ctx, const struct tensor *count,
                   const struct tensor *ids, const struct tensor *idx,
                   const struct tensor *layer, int64_t C, int64_t N, int64_t V,
                   int64_t E, int64_t K);

#endif
