/*
 * combine.c - the experts' rows added back to their tokens, in double.
 */
#include "tests/ref/ref.h"

void
ref_combine_forward(double *x, const float *y, const float *weight,
                    const int32_t *slot_of, int64_t N, int64_t K, int64_t D)
{
    for (int64_t n = 0; n < N; n++)
        for (int64_t k = 0; k < K; k++)
            for (int64_t d = 0; d < D && slot_of[n * K + k] >= 0; d++)
                x[n * D + d] += (double)weight[n * K + k] *
                                (double)y[slot_of[n * K + k] * D + d];
}
