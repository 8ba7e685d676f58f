/*
 * jsd.c - Jensen-Shannon divergence of two distributions over experts.
 */
#include "config.h"

#include <polymoe/routing.h>

#include <math.h>

#include "routing/measure.h"

static double
half_kl(double a, double m)
{
    return a > 0 ? a * log(a / m) / 2 : 0;
}

double
moe_jsd(const double *a, const double *b, int64_t E)
{
    double sum_a = weight_sum(a, E), sum_b = weight_sum(b, E), d = 0;
    if (isnan(sum_a) || isnan(sum_b))
        return NAN;
    for (int64_t e = 0; e < E; e++) {
        double p = a[e] / sum_a, q = b[e] / sum_b, m = (p + q) / 2;
        d += half_kl(p, m) + half_kl(q, m);
    }
    // Rounding may leave the range by a few last places.
    return d < 0 ? 0 : d > M_LN2 ? M_LN2 : d;
}
