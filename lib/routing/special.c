/*
 * special.c - how much an expert tells about the language.
 */
#include <polymoe/routing.h>

#include <math.h>

#include "routing/measure.h"

/* -x ln(x / whole): what a part of a whole adds to whole * entropy. */
static double
part_entropy(double x, double whole)
{
    return x > 0 ? -x * log(x / whole) : 0;
}

double
moe_specialization(const double *w, int64_t n, int64_t E)
{
    double total = weight_sum(w, n * E), before = 0, after = 0;
    if (isnan(total))
        return NAN;
    for (int64_t i = 0; i < n; i++) {
        double row = 0;
        for (int64_t e = 0; e < E; e++)
            row += w[i * E + e];
        before += part_entropy(row, total);
    }
    for (int64_t e = 0; e < E; e++) {
        double column = 0;
        for (int64_t i = 0; i < n; i++)
            column += w[i * E + e];
        for (int64_t i = 0; i < n; i++)
            after += part_entropy(w[i * E + e], column);
    }
    if (!(before > 0))
        return NAN;
    double score = 1 - after / before;
    return score < 0 ? 0 : score;
}
