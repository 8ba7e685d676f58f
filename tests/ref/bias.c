/*
 * bias.c - the gradient of a bias, in double.
 */
#include "tests/ref/ref.h"

void
ref_bias_backward(double *db, const float *dy, int64_t N, int64_t D)
{
    for (int64_t n = 0; n < N; n++)
        for (int64_t d = 0; d < D; d++)
            db[d] += (double)dy[n * D + d];
}
