/*
 * measure.h - what the measures share.
 */
#ifndef ROUTING_MEASURE_H
#define ROUTING_MEASURE_H

#include <stdint.h>

/* The sum of n weights; NaN when it is 0 or not finite, or when a weight is
 * negative or NaN: there is no distribution then. */
double weight_sum(const double *w, int64_t n);

#endif
