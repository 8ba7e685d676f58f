/*
 * combine.c - the experts' rows added back to their tokens, in double.
 */
#include "tests/ref/ref.h"

void
ref_combine_forward(double *x, const float *y, const float *weight,
                    const int32_t *slot_of, int64_t N, int64_t K, int64_t D)
{
    for (int64_t n = 0; n < N; n++)
        for (int64_t k = 0; k < K; k++)
            for (int64_t d = 0; d < D && slot_of[n * K + k] >= 0; d++)
                x[n * D + d] += (double)weight[n * K + k] *
                                (double)y[slot_of[n * K + k] * D + d];
}

void
ref_combine_weights(double *ws, const float *weight, const int32_t *slot_of,
                    int64_t N, int64_t K)
{
    for (int64_t i = 0; i < N * K; i++)
        if (slot_of[i] >= 0)
            ws[slot_of[i]] = (double)weight[i];
}

void
ref_combine_backward(double *dweight, double *dx, const float *dws,
                     const float *dxs, const int32_t *slot_of, int64_t N,
                     int64_t K, int64_t D)
{
    for (int64_t i = 0; i < N * K; i++) {
        const int32_t s = slot_of[i];
        dweight[i] = s < 0 ? 0 : (double)dws[s];
        for (int64_t d = 0; d < D && s >= 0; d++)
            dx[i / K * D + d] += (double)dxs[s * D + d];
    }
}
