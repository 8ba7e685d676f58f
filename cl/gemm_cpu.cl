/*
 * gemm_cpu.cl - dense products on CPUs, from the tile of gemm_tile.cl.
 *
 * Math       C[m,n] = sum_k A[m,k] B[n,k] (+ C[m,n]) (+ bias[n])
 * Shapes     C (M, N)   A (M, K)   B (N, K)   bias (N)   row-major
 * Work       one item a group; (ceil(N / NB), ceil(M / block)) groups
 * Local      KB * NB + RB * NB floats
 * Order      as the tile: same device, same result
 * Reference  tests/ref/gemm.c, ref_gemm(); abs 4e-7 K
 * Source     none: the definition
 */
#define ONE __attribute__((reqd_work_group_size(1, 1, 1)))

__kernel ONE void
gemm_cpu(__global float *restrict c, const ulong c_at,       /* (M, N) out */
         __global const float *restrict a, const ulong a_at, /* (M, K) in */
         __global const uchar *restrict b, const ulong b_at, /* (N, K) in */
         __global const float *restrict bias, const ulong bias_at, /* (N) */
         const int M, const int N, const int K, const ulong ldc,
         const ulong lda, const ulong ldb, const int dtype, const int has_bias,
         const int accumulate, const int block)
{
    __local float panel[KB * NB];
    __local float sums[RB * NB];
    const int n0 = get_group_id(0) * NB, m0 = get_group_id(1) * block;
    const int cols = min(NB, N - n0), m1 = min(m0 + block, M);
    __global const float *bias_n = has_bias ? bias + bias_at + n0 : 0;

    for (int k0 = 0; k0 < K; k0 += KB) {
        const int kn = min(KB, K - k0);
        const int panels =
            pack_step(panel, b, b_at + n0 * ldb + k0, ldb, cols, kn, dtype);
        for (int m = m0; m < m1; m += MR) {
            __local float *sum = sums + (K > KB ? (m - m0) * NB : 0);
            tile_rows(sum, panel, panels, a + a_at + k0, lda, 0, m, m1 - 1, kn,
                      k0 > 0);
            if (k0 + kn == K)
                store_rows(c + c_at + m * ldc + n0, ldc, sum, min(MR, m1 - m),
                           cols, bias_n, accumulate);
        }
    }
}

/* NT with few rows: weights in place. */
__kernel ONE void
gemm_cpu_dot(__global float *restrict c, const ulong c_at,       /* (M, N) */
             __global const float *restrict a, const ulong a_at, /* (M, K) */
             __global const uchar *restrict b, const ulong b_at, /* (N, K) */
             __global const float *restrict bias, const ulong bias_at,
             const int M, const int N, const int K, const ulong ldc,
             const ulong lda, const ulong ldb, const int dtype,
             const int has_bias, const int accumulate, const int block)
{
    __local float sums[DR * NB];
    const int n0 = get_group_id(0) * block;
    const int cols = min(block, N - n0);
    __global const float *bias_n = has_bias ? bias + bias_at + n0 : 0;

    for (int m = 0; m < M; m += DR) {
        dot_rows(sums, b, b_at + n0 * ldb, ldb, cols, a + a_at, lda, 0, m,
                 M - 1, K, dtype);
        store_rows(c + c_at + m * ldc + n0, ldc, sums, min(DR, M - m), cols,
                   bias_n, accumulate);
    }
}

/* What the cores can do at most: chains of multiply-add that wait for nothing
 * but the unit.  n steps of 12 vectors a group; a, b: 0 < a < 1. */
__kernel ONE void
gemm_cpu_peak(__global float *restrict out, const int n, const float a,
              const float b) /* out (groups) */
{
    vec sum[12];
    for (int i = 0; i < 12; i++)
        sum[i] = (vec)(b + i);
    for (int k = 0; k < n; k++)
        _Pragma("unroll") for (int i = 0; i < 12; i++) sum[i] =
            sum[i] * (vec)(a) + (vec)(b);
    float total = 0.0f;
    for (int i = 0; i < 12; i++)
        total += vec_sum(sum[i]);
    out[get_group_id(0)] = total;
}
