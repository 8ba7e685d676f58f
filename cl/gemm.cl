/*
 * gemm.cl - dense products by square blocks: runs anywhere, any size.
 *
 * A group owns BM x BN outputs, an item 4 x 4 of them.  Operands pass through
 * local memory BK deep; a row or column outside the matrices reads as zero.
 * experts.cl uses the same blocks, so this file stands before it.
 *
 * Math       C[m,n] = sum_k A[m,k] B[n,k] (+ C[m,n]) (+ bias[n])
 * Shapes     C (M, N)   A (M, K)   B (N, K)   bias (N)   with any strides
 * Work       (ceil(N / BN), ceil(M / BM)) groups of WG
 * Local      BK (BM + BN + 2) floats
 * Order      k ascending in one accumulator: same device, same result
 * Reference  tests/ref/gemm.c, ref_gemm(); abs 4e-7 K
 * Source     none: the definition
 */
#if WG >= 8
#define BX 8 // items of a group across
#else
#define BX WG
#endif
#define BY (WG / BX) // and down
#define BM (4 * BY)  // rows of a block
#define BN (4 * BX)  // columns of a block
#define BK 16        // depth of a step

/* Place of the t-th of n x BK elements, neighbours in memory together. */
int2
block_place(const int t, const int n, const ulong along)
{
    return along == 1 ? (int2)(t / BK, t % BK) : (int2)(t % n, t / n);
}

/* s[k][i] = a[row[i]][k0 + k] for BM rows, of which `rows` exist. */
void
block_load_a(__local float *s, __global const float *a, const ulong down,
             const ulong along, __global const int *gather, const int rows,
             const int k0, const int K)
{
    for (int t = get_local_id(0); t < BM * BK; t += WG) {
        const int2 p = block_place(t, BM, along);
        float x = 0.0f;
        if (p.x < rows && k0 + p.y < K)
            x = a[(gather ? gather[p.x] : p.x) * down + (k0 + p.y) * along];
        s[p.y * (BM + 1) + p.x] = x;
    }
}

/* s[k][j] = w[j][k0 + k] for BN columns of the product, `cols` exist. */
void
block_load_w(__local float *s, __global const uchar *w, const ulong at,
             const ulong down, const ulong along, const int cols, const int k0,
             const int K, const int dtype)
{
    for (int t = get_local_id(0); t < BN * BK; t += WG) {
        const int2 p = block_place(t, BN, along);
        float x = 0.0f;
        if (p.x < cols && k0 + p.y < K)
            x = weight_load(w, at + p.x * down + (k0 + p.y) * along, dtype);
        s[p.y * (BN + 1) + p.x] = x;
    }
}

/* sum[i][j] += the step in local memory.  Rows y, y + BY ... of the block and
 * columns x, x + BX ... belong to item (x, y). */
void
block_step(float sum[4][4], __local const float *a, __local const float *b)
{
    const int x = get_local_id(0) % BX, y = get_local_id(0) / BX;
    for (int k = 0; k < BK; k++)
        for (int i = 0; i < 4; i++) {
            const float u = a[k * (BM + 1) + y + i * BY];
            for (int j = 0; j < 4; j++)
                sum[i][j] += u * b[k * (BN + 1) + x + j * BX];
        }
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
gemm_plain(__global float *restrict c, const ulong c_at,       /* (M, N) out */
           __global const float *restrict a, const ulong a_at, /* (M, K) in */
           __global const uchar *restrict b, const ulong b_at, /* (N, K) in */
           __global const float *restrict bias, const ulong bias_at, /* (N) */
           const int M, const int N, const int K, const ulong ldc,
           const ulong a_down, const ulong a_along, const ulong b_down,
           const ulong b_along, const int dtype, const int has_bias,
           const int accumulate)
{
    __local float as[BK * (BM + 1)];
    __local float bs[BK * (BN + 1)];
    const int n0 = get_group_id(0) * BN, m0 = get_group_id(1) * BM;
    const int x = get_local_id(0) % BX, y = get_local_id(0) / BX;
    float sum[4][4] = {{0.0f}};

    for (int k0 = 0; k0 < K; k0 += BK) {
        block_load_a(as, a + a_at + m0 * a_down, a_down, a_along, 0, M - m0, k0,
                     K);
        block_load_w(bs, b, b_at + n0 * b_down, b_down, b_along, N - n0, k0, K,
                     dtype);
        barrier(CLK_LOCAL_MEM_FENCE);
        block_step(sum, as, bs);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            const int m = m0 + y + i * BY, n = n0 + x + j * BX;
            if (m >= M || n >= N)
                continue;
            const ulong at = c_at + m * ldc + n;
            c[at] = sum[i][j] + (has_bias ? bias[bias_at + n] : 0.0f) +
                    (accumulate ? c[at] : 0.0f);
        }
}

/* What C is before a product without bias is added: bias (+ C). */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
gemm_start(__global float *restrict c, const ulong c_at, /* (M, N) out */
           __global const float *restrict bias, const ulong bias_at, /* (N) */
           const int M, const int N, const ulong ldc, const int has_bias,
           const int accumulate)
{
    const ulong i = get_global_id(0);
    if (i >= (ulong)M * N)
        return;
    const ulong at = c_at + i / N * ldc + i % N;
    c[at] =
        (has_bias ? bias[bias_at + i % N] : 0.0f) + (accumulate ? c[at] : 0.0f);
}

/* f32 copy of weight rows, for a product that takes nothing else. */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
gemm_widen(__global float *restrict out,                     /* (rows, cols) */
           __global const uchar *restrict w, const ulong at, /* (rows, ld) */
           const int rows, const int cols, const ulong ld, const int dtype)
{
    const ulong i = get_global_id(0);
    if (i < (ulong)rows * cols)
        out[i] = weight_load(w, at + i / cols * ld + i % cols, dtype);
}
