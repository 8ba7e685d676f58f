/*
 * finite.c - the first row of each block with a number that is not finite.
 */
#include "tests/ref/ref.h"

#include <math.h>

void
ref_finite_forward(int32_t *bad, const float *x, int64_t N, int64_t E,
                   int64_t rows)
{
    for (int64_t m = 0; m * rows < N; m++)
        bad[m] = -1;
    for (int64_t n = N - 1; n >= 0; n--)
        for (int64_t e = 0; e < E; e++)
            if (!isfinite(x[n * E + e]))
                bad[n / rows] = (int32_t)n;
}
