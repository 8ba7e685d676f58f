/*
 * collect.c - choices, probabilities and weights of each expert over some
 * rows.
 */
#include "tests/ref/ref.h"

void
ref_collect(int64_t *count, double *sum, double *gate, const float *probs,
            const int32_t *idx, const float *weight, int64_t first, int64_t end,
            int64_t E, int64_t K)
{
    for (int64_t e = 0; e < E; e++) {
        count[e] = 0;
        sum[e] = gate[e] = 0;
        for (int64_t n = first; n < end; n++) {
            sum[e] += (double)probs[n * E + e];
            for (int64_t k = 0; k < K; k++)
                if (idx[n * K + k] == e) {
                    count[e]++;
                    gate[e] += (double)weight[n * K + k];
                }
        }
    }
}
