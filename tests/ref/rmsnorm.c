/*
 * rmsnorm.c - root-mean-square normalisation of each row, in double.
 */
#include "tests/ref/ref.h"

#include <math.h>

void
ref_rmsnorm_forward(double *y, double *r, const float *x, const float *w,
                    int64_t N, int64_t D, double eps)
{
    for (int64_t n = 0; n < N; n++) {
        double ss = 0;
        for (int64_t d = 0; d < D; d++)
            ss += (double)x[n * D + d] * x[n * D + d];
        r[n] = 1 / sqrt(ss / (double)D + eps);
        for (int64_t d = 0; d < D; d++)
            y[n * D + d] = w[d] * x[n * D + d] * r[n];
    }
}
