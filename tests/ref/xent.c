/*
 * xent.c - negative log-likelihood of the target of each row, its gradient, in
 * double.
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

void
ref_xent_backward(double *dlogits, double *nll, const float *logits,
                  const int32_t *target, double scale, int64_t N, int64_t V)
{
    ref_xent_forward(nll, logits, target, N, V);
    for (int64_t n = 0; n < N; n++) {
        const float *x = logits + n * V;
        double top = -INFINITY, sum = 0;
        for (int64_t v = 0; v < V; v++)
            top = fmax(top, (double)x[v]);
        for (int64_t v = 0; v < V && top > -INFINITY; v++)
            sum += exp((double)x[v] - top);
        for (int64_t v = 0; v < V; v++)
            dlogits[n * V + v] = target[n] < 0 || top == -INFINITY
                                     ? 0
                                     : scale * (exp((double)x[v] - top) / sum -
                                                (v == target[n]));
    }
}
