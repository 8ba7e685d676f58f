/*
 * gemm_backward_cpu.cl - dense products on CPUs for gradients.
 *
 * Math       C[m,n] = sum_k A[m,k] B[k,n] (+ C[m,n]) (+ bias[n])   NN
 *            with A[k,m]                                          TN
 * Shapes     C (M, N)   A (M, K) or (K, M)   B (K, N)   bias (N)   row-major
 * Work       one item a group; (ceil(N / wide), ceil(M / block)) groups; block
 *            at most SIDE, depth at most DEEP
 * Local      PANEL + SIDES + MR NR floats
 * Order      k ascending, a new sum every `depth`: same device, same result
 * Reference  tests/ref/gemm.c, ref_gemm(); abs 4e-7 K
 * Source     none: the definition
 */
/* c[r,j] += bias[j]. */
void
add_bias(__global float *c, const size_t ldc, __global const float *bias,
         const int rows, const int cols)
{
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < cols; j++)
            c[r * ldc + j] += bias[j];
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
gemm_cpu_kn(__global float *restrict c, const ulong c_at,       /* (M, N) out */
            __global const float *restrict a, const ulong a_at, /* A in */
            __global const uchar *restrict b, const ulong b_at, /* (K, N) in */
            __global const float *restrict bias, const ulong bias_at, /* (N) */
            const int M, const int N, const int K, const ulong ldc,
            const ulong lda, const ulong ldb, const int dtype,
            const int has_bias, const int accumulate, const int wide,
            const int block, const int depth, const int tn)
{
    __local float panel[PANEL];
    __local float side[SIDES];
    __local float edge[MR * NR];
    const int n0 = get_group_id(0) * wide, m0 = get_group_id(1) * block;
    const int cols = min(wide, N - n0), rows = min(block, M - m0);
    __global float *out = c + c_at + m0 * ldc + n0;

    for (int k0 = 0; k0 < K; k0 += depth) {
        const int kn = min(depth, K - k0);
        if (tn)
            pack_sides(side, a + a_at + k0 * lda + m0, lda, 0, 0, rows, M - m0,
                       kn);
        else
            pack_rows(side, a + a_at + m0 * lda + k0, lda, rows, kn);
        block_to(out, ldc, edge, side, panel, b, b_at + k0 * ldb + n0, ldb, 0,
                 rows, cols, kn, dtype, k0 > 0 || accumulate);
    }
    if (has_bias)
        add_bias(out, ldc, bias + bias_at + n0, rows, cols);
}
