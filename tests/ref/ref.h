/*
 * ref.h - the operators again, in double and in index order.
 *
 * Plain C without a device: loops as in the formula, never made fast.  Inputs
 * are the f32 numbers that the device gets; the order of arguments is that of
 * the operator of the same name in lib/nn/nn.h.
 */
#ifndef TESTS_REF_REF_H
#define TESTS_REF_REF_H

#include <stdbool.h>
#include <stdint.h>

/* One AdamW update of w, m, v (n), with g (n) times scale. */
void ref_adamw(double *w, double *m, double *v, const float *g, double scale,
               double lr, double beta1, double beta2, double eps, double decay,
               uint64_t step, int64_t n);

/* count (E) and sum (E) over the rows [first, end) of probs (N,E) and
 * idx (N,K). */
void ref_collect(int64_t *count, double *sum, const float *probs,
                 const int32_t *idx, int64_t first, int64_t end, int64_t E,
                 int64_t K);
void ref_finite_forward(int32_t *bad, const float *x, int64_t N, int64_t E,
                        int64_t rows);
void ref_rmsnorm_forward(double *y, double *r, const float *x, const float *w,
                         int64_t N, int64_t D, double eps);

/* norm of g (n), and the factor that clips it to limit (0: never). */
void ref_gradnorm(double *norm, double *scale, const float *g, double limit,
                  int64_t n);

#endif
