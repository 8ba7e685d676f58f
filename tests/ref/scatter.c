/*
 * scatter.c - rows put in the places that a list names.
 */
#include "tests/ref/ref.h"

void
ref_scatter_forward(float *y, const float *x, const int32_t *at, int64_t N,
                    int64_t D)
{
    for (int64_t n = 0; n < N; n++)
        for (int64_t d = 0; d < D; d++)
            y[at[n] * D + d] = x[n * D + d];
}
