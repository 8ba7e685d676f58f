/*
 * parts.h - sums over tokens, in two steps of a fixed order.
 *
 * The tokens are cut into NN_PARTS parts of about the same length.  A kernel
 * sums each part into its row of partial (NN_PARTS,D); parts_add() adds the
 * rows up.
 */
#ifndef NN_PARTS_H
#define NN_PARTS_H

#include "nn/nn.h"

/* Enqueue the kernel that fills partial: an item per eight of D columns in
 * each part. */
int launch_parts(struct launch *l, int64_t D);

/* x[d] += sum_p partial[p,d].  x (D) f32 in, out; partial (NN_PARTS,D). */
int parts_add(struct moe_ctx *ctx, const struct tensor *x,
              const struct tensor *partial, int64_t D);

#endif
