/*
 * xent.c - negative log-likelihood of the target of each row, in double.
 */
#include "tests/ref/ref.h"

#include <math.h>

void
ref_xent_forward(double *nll, const float *logits, const int32_t *target,
                 int64_t N, int64_t V)
{
    for (int64_t n = 0; n < N; n++) {
        const float *x = logits + n * V;
        double top = -INFINITY, sum = 0;
        for (int64_t v = 0; v < V; v++)
            top = fmax(top, (double)x[v]);
        for (int64_t v = 0; v < V && top > -INFINITY; v++)
            sum += exp((double)x[v] - top);
        nll[n] = target[n] < 0 || top == -INFINITY
                     ? 0
                     : log(sum) + top - (double)x[target[n]];
    }
}
