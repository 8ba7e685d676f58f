/*
 * activation.c - how often each expert is among the chosen ones of a sequence.
 */
#include <polymoe/routing.h>

void
moe_activation(double *out, const int32_t *idx, int64_t T, int64_t K, int64_t E)
{
    for (int64_t e = 0; e < E; e++)
        out[e] = 0;
    for (int64_t i = 0; i < T * K; i++)
        if (idx[i] >= 0 && idx[i] < E)
            out[idx[i]]++;
    for (int64_t e = 0; e < E; e++)
        out[e] /= (double)T; // 0 / 0 is the NaN that is promised
}
