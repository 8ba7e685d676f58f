/*
 * experts_grad.c - the expert MLPs and their combination backwards, in plain C.
 */
#include "tests/ref/ref.h"

#include <math.h>

/* Of one slot; w, dw: the three matrices of its expert. */
static void
slot_backward(double *dws, double *dxs, double *dpre, double *dw,
              const double *pre, const float *dout, const float *x, double ws,
              const float *w, int64_t D, int64_t F)
{
    const int64_t size = D * F;
    *dws = 0;
    for (int64_t d = 0; d < D; d++)
        dxs[d] = 0;
    for (int64_t f = 0; f < F; f++) {
        double g = pre[f], u = pre[F + f], z = 1 / (1 + exp(-g)), q = 0;
        for (int64_t d = 0; d < D; d++)
            q += (double)dout[d] * w[2 * size + d * F + f];
        *dws += q * g * z * u;
        double dg = ws * q * u * (z + g * z * (1 - z)), du = ws * q * g * z;
        dpre[f] = dg;
        dpre[F + f] = du;
        for (int64_t d = 0; d < D; d++) {
            dxs[d] += dg * w[f * D + d] + du * w[size + f * D + d];
            dw[f * D + d] += dg * x[d];
            dw[size + f * D + d] += du * x[d];
            dw[2 * size + d * F + f] += ws * dout[d] * g * z * u;
        }
    }
}

void
ref_experts_backward(double *dws, double *dxs, double *dw, double *dpre,
                     const double *pre, const float *dout, const float *x,
                     const float *ws, const float *w, const int32_t *start,
                     const int32_t *slot_token, int64_t E, int64_t D, int64_t F)
{
    for (int64_t e = 0; e < E; e++)
        for (int64_t s = start[e]; s < start[e + 1]; s++)
            slot_backward(dws + s, dxs + s * D, dpre + s * 2 * F,
                          dw + 3 * e * D * F, pre + s * 2 * F,
                          dout + slot_token[s] * D, x + slot_token[s] * D,
                          ws[s], w + 3 * e * D * F, D, F);
}
