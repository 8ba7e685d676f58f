/*
 * routed.h - slots sorted by expert, and the experts' weights, for the check
 * programs of the expert kernels.
 */
#ifndef TESTS_ROUTED_H
#define TESTS_ROUTED_H

#include "nn/nn.h"

/* What the router does; with more than two experts, expert 1 gets nothing. */
enum spread { EVEN, RAGGED, ONE_HAS_ALL };

struct routed {
    int64_t N, E, K, D, F;
    int32_t *start, *slot_token; // (E+1), (N*K)
    struct dispatch d;           // start and slot_token on the device
    float *w; // gate, up, down of expert 0, then of expert 1 ...
    struct expert_weights weights;
};

/* Fill in everything beside the sizes; weights of this type.  All of it lives
 * until support_free(). */
void routed_make(struct routed *r, enum dtype type, enum spread spread);

/* An (E,3) table of offsets, matrix after matrix from `first` on. */
struct tensor routed_offsets(const struct routed *r, uint64_t first);

/* Rows of K distinct experts out of E, the same for the same seed; they live
 * until support_free(). */
int32_t *routed_choices(int64_t rows, int64_t E, int64_t K, uint64_t seed);

/* Tokens and experts below, at and above a word of bits, and choices of few
 * and of all. */
enum { ROUTED_SHAPES = 8 };
extern const struct routed_shape {
    int64_t N, E, K;
} routed_shapes[ROUTED_SHAPES];

#endif
