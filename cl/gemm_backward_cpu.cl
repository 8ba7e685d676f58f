/*
 * gemm_backward_cpu.cl - dense products on CPUs for gradients.
 *
 * Math       C[m,n] = sum_k A[m,k] B[k,n] (+ C[m,n]) (+ bias[n])   NN
 *            with A[k,m]                                          TN
 * Shapes     C (M, N)   A (M, K) or (K, M)   B (K, N)   bias (N)   row-major
 * Work       one item a group; (ceil(N / wide), ceil(M / block)) groups; wide,
 *            a multiple of NR, times depth at most PANEL, and for TN 3/4 of it;
 *            there (MR depth + GAP) block / MR at most SIDES
 * Local      PANEL + MR NR floats, for TN 3/4 of PANEL + SIDES + MR NR
 * Order      k ascending, a new sum every `depth`: same device, same result
 * Reference  tests/ref/gemm.c, ref_gemm(); abs 4e-7 K
 * Source     none: the definition
 */
#define ONE   __attribute__((reqd_work_group_size(1, 1, 1)))
#define SIDES (PANEL / 8 * 7)

/* c[r,j] += bias[j]. */
void
add_bias(__global float *c, const size_t ldc, __global const float *bias,
         const int rows, const int cols)
{
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < cols; j++)
            c[r * ldc + j] += bias[j];
}

__kernel ONE void
gemm_cpu_nn(__global float *restrict c, const ulong c_at,       /* (M, N) out */
            __global const float *restrict a, const ulong a_at, /* (M, K) in */
            __global const uchar *restrict b, const ulong b_at, /* (K, N) in */
            __global const float *restrict bias, const ulong bias_at, /* (N) */
            const int M, const int N, const int K, const ulong ldc,
            const ulong lda, const ulong ldb, const int dtype,
            const int has_bias, const int accumulate, const int wide,
            const int block, const int depth)
{
    __local float panel[PANEL];
    __local float edge[MR * NR];
    const int n0 = get_group_id(0) * wide, m0 = get_group_id(1) * block;
    const int cols = min(wide, N - n0), m1 = min(m0 + block, M);

    for (int k0 = 0; k0 < K; k0 += depth) {
        const int kn = min(depth, K - k0);
        pack_panels(panel, b, b_at + k0 * ldb + n0, ldb, 0, cols, kn, dtype);
        for (int m = m0; m < m1; m += MR) {
            __global const float *row[MR];
            for (int r = 0; r < MR; r++)
                row[r] = a + a_at + min(m + r, m1 - 1) * lda + k0;
            rows_to(c + c_at + m * ldc + n0, ldc, edge, row, panel, m1 - m,
                    cols, kn, k0 > 0 || accumulate);
        }
    }
    if (has_bias)
        add_bias(c + c_at + m0 * ldc + n0, ldc, bias + bias_at + n0, m1 - m0,
                 cols);
}

__kernel ONE void
gemm_cpu_tn(__global float *restrict c, const ulong c_at,       /* (M, N) out */
            __global const float *restrict a, const ulong a_at, /* (K, M) in */
            __global const uchar *restrict b, const ulong b_at, /* (K, N) in */
            __global const float *restrict bias, const ulong bias_at, /* (N) */
            const int M, const int N, const int K, const ulong ldc,
            const ulong lda, const ulong ldb, const int dtype,
            const int has_bias, const int accumulate, const int wide,
            const int block, const int depth)
{
    __local float panel[PANEL / 4 * 3];
    __local float side[SIDES];
    __local float edge[MR * NR];
    const int n0 = get_group_id(0) * wide, m0 = get_group_id(1) * block;
    const int cols = min(wide, N - n0), rows = min(block, M - m0);
    __global float *out = c + c_at + m0 * ldc + n0;

    for (int k0 = 0; k0 < K; k0 += depth) {
        const int kn = min(depth, K - k0);
        pack_panels(panel, b, b_at + k0 * ldb + n0, ldb, 0, cols, kn, dtype);
        pack_sides(side, a + a_at + k0 * lda + m0, lda, 0, 0, rows, M - m0, kn);
        sides_to(out, ldc, edge, side, panel, rows, cols, kn,
                 k0 > 0 || accumulate);
    }
    if (has_bias)
        add_bias(out, ldc, bias + bias_at + n0, rows, cols);
}
