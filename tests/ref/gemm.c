/*
 * gemm.c - dense products in plain C.
 */
#include "tests/ref/ref.h"

#include <stddef.h>

void
ref_gemm(double *c, const float *a, const float *b, const float *bias, int op,
         int64_t M, int64_t N, int64_t K, int64_t ldc, int64_t lda, int64_t ldb,
         int accumulate)
{
    for (int64_t m = 0; m < M; m++)
        for (int64_t n = 0; n < N; n++) {
            double sum = accumulate ? c[m * ldc + n] : 0;
            for (int64_t k = 0; k < K; k++)
                sum += (double)a[op == 2 ? k * lda + m : m * lda + k] *
                       b[op == 0 ? n * ldb + k : k * ldb + n];
            c[m * ldc + n] = sum + (bias ? bias[n] : 0);
        }
}
