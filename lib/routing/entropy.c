/*
 * entropy.c - entropy of a distribution over experts.
 */
#include <polymoe/routing.h>

#include <math.h>

#include "routing/measure.h"

double
weight_sum(const double *w, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!(w[i] >= 0))
            return NAN;
        sum += w[i];
    }
    return sum > 0 && isfinite(sum) ? sum : NAN;
}

double
moe_entropy(const double *w, int64_t E)
{
    double sum = weight_sum(w, E), h = 0;
    if (isnan(sum))
        return NAN;
    for (int64_t e = 0; e < E; e++) {
        double a = w[e] / sum;
        if (a > 0)
            h -= a * log(a);
    }
    return h > 0 ? h : 0; // a single expert gives -0
}
