/*
 * embed.c - rows of the token table, in double.
 */
#include "tests/ref/ref.h"

void
ref_embed_forward(double *x, const int32_t *ids, const float *table, int64_t N,
                  int64_t D)
{
    for (int64_t n = 0; n < N; n++)
        for (int64_t d = 0; d < D; d++)
            x[n * D + d] = (double)table[ids[n] * D + d];
}

void
ref_embed_backward(double *dtable, const float *dx, const int32_t *ids,
                   int64_t N, int64_t D)
{
    for (int64_t n = 0; n < N; n++)
        for (int64_t d = 0; d < D; d++)
            dtable[ids[n] * D + d] += (double)dx[n * D + d];
}
