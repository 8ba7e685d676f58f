/*
 * student.h - Student's t distribution, for the mean of a few differences.
 */
#ifndef BASE_STUDENT_H
#define BASE_STUDENT_H

#include <stddef.h>

/* P(T <= t) with df >= 1 degrees of freedom; NaN for a t that is none.
 * Source: the finite series of Abramowitz and Stegun, 26.7.3 and 26.7.4. */
double student_below(double t, size_t df);

/* The t that |T| exceeds with the probability alpha, 0 < alpha < 1. */
double student_two_sided(double alpha, size_t df);

/* Mean of n numbers, its standard error (NaN for n < 2). */
struct sample {
    size_t n;
    double mean, stderr_;
};

struct sample sample_of(const double *x, size_t n);

#endif
