/*
 * ref.h - the operators in plain C: loops in index order, sums in double.
 */
#ifndef TESTS_REF_REF_H
#define TESTS_REF_REF_H

#include <stdint.h>

/* count (E) and sum (E) over the rows [first, end) of probs (N,E) and
 * idx (N,K). */
void ref_collect(int64_t *count, double *sum, const float *probs,
                 const int32_t *idx, int64_t first, int64_t end, int64_t E,
                 int64_t K);

#endif
