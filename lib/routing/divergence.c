/*
 * divergence.c - Jensen-Shannon divergence as a share of what the entropies
 * allow.
 */
#include <polymoe/routing.h>

#include <math.h>

static const double SMALLEST_DIVISOR = 1e-8;

double
moe_divergence(const double *a, const double *b, int64_t E)
{
    double most = log((double)E) - (moe_entropy(a, E) + moe_entropy(b, E)) / 2;
    if (!(most > SMALLEST_DIVISOR))
        return NAN;
    double d = moe_jsd(a, b, E) / most;
    return d > 1 ? 1 : d;
}
