/*
 * elementwise.c - sum of two and clamp, in double.
 */
#include "tests/ref/ref.h"

#include <math.h>

void
ref_add_forward(double *x, const float *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        x[i] += (double)y[i];
}

void
ref_clip_forward(double *x, double limit, int64_t N, int64_t D)
{
    for (int64_t i = 0; i < N * D; i++) {
        if (x[i] > limit)
            x[i] = limit;
        if (x[i] < -limit)
            x[i] = -limit;
    }
}

void
ref_clip_backward(double *dx, const float *y, double limit, int64_t N,
                  int64_t D)
{
    for (int64_t i = 0; i < N * D; i++)
        if (fabs((double)y[i]) >= limit)
            dx[i] = 0;
}
