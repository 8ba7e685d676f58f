/*
 * experts.c - the expert MLPs in plain C.
 */
#include "tests/ref/ref.h"

#include <math.h>

static double
dot(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

void
ref_experts_forward(double *y, double *h, double *pre, const float *x,
                    const float *w, const int32_t *start,
                    const int32_t *slot_token, int64_t E, int64_t D, int64_t F)
{
    for (int64_t e = 0; e < E; e++)
        for (int64_t s = start[e]; s < start[e + 1]; s++) {
            const float *x_s = x + slot_token[s] * D;
            const float *gate = w + 3 * e * F * D, *up = gate + F * D;
            const float *down = up + F * D;
            for (int64_t f = 0; f < F; f++) {
                double g = dot(x_s, gate + f * D, D);
                double u = dot(x_s, up + f * D, D);
                h[s * F + f] = g / (1 + exp(-g)) * u;
                if (pre) {
                    pre[s * 2 * F + f] = g;
                    pre[s * 2 * F + F + f] = u;
                }
            }
            for (int64_t d = 0; d < D; d++) {
                y[s * D + d] = 0;
                for (int64_t f = 0; f < F; f++)
                    y[s * D + d] += h[s * F + f] * down[d * F + f];
            }
        }
}
