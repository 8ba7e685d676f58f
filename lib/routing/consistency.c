/*
 * consistency.c - how alike the top-k sets of the tokens of a sequence are.
 *
 * A set is a row of bits, so that a pair costs a few instructions: a sequence
 * of 2048 tokens has two million pairs.
 */
#include <polymoe/routing.h>

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

enum { WORD = 64 };

static int64_t
bits(uint64_t x)
{
    int64_t n = 0;
    for (; x; x &= x - 1)
        n++;
    return n;
}

/* set (T,words), one row of bits a token. */
static int
fill_sets(struct moe_err *err, uint64_t *set, const int32_t *idx, int64_t T,
          int64_t K, int64_t E, int64_t words)
{
    for (int64_t i = 0; i < T * K; i++) {
        if (idx[i] < 0 || idx[i] >= E)
            return moe_fail(err, MOE_EINVAL,
                            "consistency: token %lld has expert %d, want 0 to "
                            "%lld",
                            (long long)(i / K), idx[i], (long long)(E - 1));
        set[i / K * words + idx[i] / WORD] |= UINT64_C(1) << idx[i] % WORD;
    }
    return MOE_OK;
}

static double
jaccard(const uint64_t *a, const uint64_t *b, int64_t words)
{
    int64_t both = 0, either = 0;
    for (int64_t w = 0; w < words; w++) {
        both += bits(a[w] & b[w]);
        either += bits(a[w] | b[w]);
    }
    return (double)both / (double)either;
}

int
moe_consistency(struct moe_err *err, struct moe_consistency *out,
                const int32_t *idx, int64_t T, int64_t K, int64_t E)
{
    const int64_t words = (E + WORD - 1) / WORD;
    size_t cells;
    *out = (struct moe_consistency){NAN, NAN};
    if (T < 2)
        return MOE_OK;
    uint64_t *set = mem_mul(&cells, (size_t)T, (size_t)words)
                        ? mem_zero(cells, sizeof *set)
                        : NULL;
    if (!set)
        return moe_fail(err, MOE_ENOMEM, "consistency: %lld tokens",
                        (long long)T);
    int rc = fill_sets(err, set, idx, T, K, E, words);
    double all = 0, adjacent = 0;
    for (int64_t i = 0; !rc && i < T; i++)
        for (int64_t j = i + 1; j < T; j++) {
            double x = jaccard(set + i * words, set + j * words, words);
            all += x;
            adjacent += j == i + 1 ? x : 0;
        }
    if (!rc)
        *out = (struct moe_consistency){all / ((double)T * (double)(T - 1) / 2),
                                        adjacent / (double)(T - 1)};
    free(set);
    return rc;
}
