/*
 * router.c - probabilities and the choice of the best K, in double.
 */
#include "tests/ref/ref.h"

#include <math.h>

/* Softmax of a row; false when it has a NaN or +inf. */
static bool
softmax(double *p, const float *x, int64_t E)
{
    double top = -INFINITY, sum = 0;
    for (int64_t e = 0; e < E; e++) {
        if (isnan(x[e]) || (isinf(x[e]) && x[e] > 0))
            return false;
        if ((double)x[e] > top)
            top = (double)x[e];
    }
    for (int64_t e = 0; e < E; e++) {
        p[e] = isinf(x[e]) ? 0 : exp((double)x[e] - top);
        sum += p[e];
    }
    for (int64_t e = 0; e < E; e++)
        p[e] = sum > 0 ? p[e] / sum : 0;
    return true;
}

/* The best expert that is not among the first k of idx.  Compared as f32
 * numbers: what is too small for these is a tie, as on the device. */
static int32_t
best(const double *p, const int32_t *idx, int64_t k, int64_t E)
{
    int32_t at = -1;
    for (int32_t e = 0; e < E; e++) {
        bool taken = false;
        for (int64_t j = 0; j < k; j++)
            taken |= idx[j] == e;
        if (!taken && (at < 0 || (float)p[e] > (float)p[at]))
            at = e;
    }
    return at;
}

void
ref_router_forward(double *probs, int32_t *idx, double *weight,
                   const float *logits, int64_t N, int64_t E, int64_t K,
                   bool renorm)
{
    for (int64_t n = 0; n < N; n++) {
        double *p = probs + n * E, total = 0;
        bool good = softmax(p, logits + n * E, E);
        for (int64_t e = 0; e < E && !good; e++)
            p[e] = NAN;
        for (int64_t k = 0; k < K; k++) {
            idx[n * K + k] = good ? best(p, idx + n * K, k, E) : -1;
            weight[n * K + k] = good ? p[idx[n * K + k]] : 0;
            total += weight[n * K + k];
        }
        for (int64_t k = 0; k < K && renorm && total > 0; k++)
            weight[n * K + k] /= total;
    }
}
