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
            ss += (double)x[n * D + d] * (double)x[n * D + d];
        r[n] = 1 / sqrt(ss / (double)D + eps);
        for (int64_t d = 0; d < D; d++)
            y[n * D + d] = (double)w[d] * (double)x[n * D + d] * r[n];
    }
}

void
ref_rmsnorm_backward(double *dx, double *dw, const float *dy, const float *x,
                     const double *r, const float *w, int64_t N, int64_t D,
                     bool accumulate)
{
    for (int64_t n = 0; n < N; n++) {
        double mean = 0;
        for (int64_t d = 0; d < D; d++)
            mean += (double)w[d] * (double)dy[n * D + d] *
                    (double)x[n * D + d] / (double)D;
        for (int64_t d = 0; d < D; d++) {
            int64_t i = n * D + d;
            double g = r[n] * ((double)w[d] * (double)dy[i] -
                               (double)x[i] * r[n] * r[n] * mean);
            dx[i] = accumulate ? dx[i] + g : g;
            dw[d] += (double)dy[i] * (double)x[i] * r[n];
        }
    }
}
