/*
 * cooccur.c - experts that are chosen together, and first choices of tokens.
 */
#include "tests/ref/ref.h"

void
ref_cooccur_experts(int64_t *together, int64_t *adjacent, const int32_t *idx,
                    int64_t N, int64_t E, int64_t K)
{
    for (int64_t i = 0; i < E * E; i++)
        together[i] = adjacent[i] = 0;
    for (int64_t n = 0; n < N; n++)
        for (int64_t i = 0; i < K; i++)
            for (int64_t j = 0; j < K; j++) {
                const int64_t a = idx[n * K + i], b = idx[n * K + j];
                together[a * E + b]++;
                adjacent[a * E + b] += i == j + 1 || j == i + 1;
            }
}

void
ref_cooccur_tokens(int64_t *count, const int32_t *ids, const int32_t *idx,
                   int64_t N, int64_t V, int64_t E, int64_t K)
{
    for (int64_t i = 0; i < V * E; i++)
        count[i] = 0;
    for (int64_t n = 0; n < N; n++)
        count[ids[n] * E + idx[n * K]]++;
}
