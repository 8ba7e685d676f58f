/*
 * sets.h - the chosen experts of tokens as sets of bits, on the device.
 *
 * Rows of all layers of a batch stand in one tensor: row l N + n is token n in
 * layer l.
 */
#ifndef ROUTING_SETS_H
#define ROUTING_SETS_H

#include <stdint.h>

#include "device/device.h"

/* Tokens of a piece of sets_common(). */
enum { SETS_PIECE = 256 };

/* Words of a set: W. */
int64_t sets_words(int64_t E);

/* Pieces of N tokens: P. */
int64_t sets_pieces(int64_t N);

/* set (L N,W) from idx (L N,K); an expert of -1 is left out. */
int sets_forward(struct moe_ctx *ctx, const struct tensor *set,
                 const struct tensor *idx, int64_t L, int64_t N, int64_t E,
                 int64_t K);

/* pairs (L,S,2,K+1): how many pairs of tokens of each sequence seq (S,2),
 * first and end, share c experts; of all pairs, then of neighbours. */
int sets_pairs(struct moe_ctx *ctx, const struct tensor *pairs,
               const struct tensor *set, const struct tensor *seq, int64_t S,
               int64_t L, int64_t N, int64_t E, int64_t K);

/* common (L,P,K+1): how many tokens of each piece share c experts between the
 * sets a and b. */
int sets_common(struct moe_ctx *ctx, const struct tensor *common,
                const struct tensor *a, const struct tensor *b, int64_t L,
                int64_t N, int64_t E, int64_t K);

#endif
