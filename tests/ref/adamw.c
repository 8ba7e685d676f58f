/*
 * adamw.c - one AdamW update in double.
 */
#include "tests/ref/ref.h"

#include <math.h>

void
ref_adamw(double *w, double *m, double *v, const float *g, double scale,
          double lr, double beta1, double beta2, double eps, double decay,
          uint64_t step, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        double gi = (double)g[i] * scale;
        w[i] *= 1 - lr * decay;
        m[i] = beta1 * m[i] + (1 - beta1) * gi;
        v[i] = beta2 * v[i] + (1 - beta2) * gi * gi;
        double mean = m[i] / (1 - pow(beta1, (double)step));
        double square = v[i] / (1 - pow(beta2, (double)step));
        w[i] -= lr * mean / (sqrt(square) + eps);
    }
}
