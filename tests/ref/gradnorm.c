/*
 * gradnorm.c - the global norm of gradients and the clipping factor.
 */
#include "tests/ref/ref.h"

#include <math.h>

void
ref_gradnorm(double *norm, double *scale, const float *g, double limit,
             int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)g[i] * (double)g[i];
    *norm = sqrt(sum);
    *scale =
        limit > 0 && limit / (*norm + 1e-6) < 1 ? limit / (*norm + 1e-6) : 1;
}
