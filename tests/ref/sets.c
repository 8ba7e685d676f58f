/*
 * sets.c - how many experts two tokens have in common, counted one by one.
 */
#include "tests/ref/ref.h"

static int64_t
both(const int32_t *a, const int32_t *b, int64_t K)
{
    int64_t n = 0;
    for (int64_t i = 0; i < K; i++)
        for (int64_t j = 0; j < K; j++)
            n += a[i] >= 0 && a[i] == b[j];
    return n;
}

void
ref_sets_pairs(int64_t *all, int64_t *adjacent, const int32_t *idx,
               int64_t first, int64_t end, int64_t K)
{
    for (int64_t c = 0; c <= K; c++)
        all[c] = adjacent[c] = 0;
    for (int64_t i = first; i < end; i++)
        for (int64_t j = i + 1; j < end; j++) {
            const int64_t c = both(idx + i * K, idx + j * K, K);
            all[c]++;
            adjacent[c] += j == i + 1;
        }
}

void
ref_sets_common(int64_t *common, const int32_t *a, const int32_t *b,
                int64_t first, int64_t end, int64_t K)
{
    for (int64_t c = 0; c <= K; c++)
        common[c] = 0;
    for (int64_t i = first; i < end; i++)
        common[both(a + i * K, b + i * K, K)]++;
}
