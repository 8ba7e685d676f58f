/*
 * experts_grad.cl - the expert MLPs and their combination backwards, by blocks.
 *
 * Tiles as in experts.cl.  The gradients of gate's and up's products take the
 * place of those products; a row's dot over all F is left in parts, one a
 * block of columns, and added afterwards.
 *
 * Math       q[s,:]   = dout[t,:] down[e]            t = slot_token[s]
 *            dws[s]   = q[s,:] . h[s,:],  h = silu(g) u,  dh = ws[s] q[s,:]
 *            dg = dh u z (1 + g (1 - z)),  du = dh g z,  z = 1 / (1 + exp(-g))
 *            dxs[s,:] = dg gate[e] + du up[e]
 *            dw[i,j] += sum_s a[s,i] b[s,j]          s of one expert
 * Shapes     pre (N*K, 2F): g then u, out: dg then du   h (N*K, F)   ws (N*K)
 *            dout (N, D)   dxs (N*K, D)   gate, up (F, D)   down (D, F)
 * Work       (ceil(F / BN) or ceil(D / BN), tiles) groups of WG;
 *            (blocks of a matrix, E) for the weights; an item a slot for dws
 * Local      at most BK (BM + BN + 2) + BM BX floats
 * Order      k or s ascending in one accumulator: same device, same result
 * Reference  tests/ref/experts_grad.c, ref_experts_backward(); abs 1e-5
 * Source     Shazeer 2020, arXiv:2002.05202 (SwiGLU), differentiated
 */

/* pre (2F), of one slot, at column f: the gradient of both products from that
 * of h; returns h. */
float
swiglu_turn(__global float *pre, const int F, const float dh)
{
    const float g = pre[0], u = pre[F], z = 1.0f / (1.0f + exp(-g));
    pre[0] = dh * u * z * (1.0f + g * (1.0f - z));
    pre[F] = dh * g * z;
    return g / (1.0f + exp(-g)) * u;
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
experts_grad_hidden(__global float *restrict part, const ulong part_at,
                    __global float *restrict pre, const ulong pre_at,
                    __global float *restrict h, const ulong h_at, /* (N*K,F) */
                    __global const float *restrict dout, const ulong dout_at,
                    __global const float *restrict ws, const ulong ws_at,
                    __global const uchar *restrict w, /* weights */
                    __global const ulong *restrict offset, const ulong o_at,
                    __global const int *restrict tiles, const ulong t_at,
                    __global const int *restrict slot_token, const ulong s_at,
                    const int D, const int F, const int dtype, const int keep_h)
{
    __local float as[BK * (BM + 1)];
    __local float bs[BK * (BN + 1)];
    __local float dots[BM * BX];
    __global const int *tile = tiles + t_at + 3 * get_group_id(1);
    const int slot = tile[1], rows = tile[2], f0 = get_group_id(0) * BN;
    const ulong down = offset[o_at + 3 * tile[0] + 2] + f0;
    const int lx = get_local_id(0) % BX, ly = get_local_id(0) / BX;
    const int depth = rows ? D : 0;
    float q[4][4] = {{0.0f}};

    for (int k0 = 0; k0 < depth; k0 += BK) {
        block_load_a(as, dout + dout_at, D, 1, slot_token + s_at + slot, rows,
                     k0, D);
        block_load_w(bs, w, down, 1, F, F - f0, k0, D, dtype);
        barrier(CLK_LOCAL_MEM_FENCE);
        block_step(q, as, bs);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int i = 0; i < 4; i++) {
        const int r = ly + i * BY;
        const ulong s = slot + r;
        float dot = 0.0f;
        for (int j = 0; j < 4; j++) {
            const int f = f0 + lx + j * BX;
            if (r >= rows || f >= F)
                continue;
            const float h_f = swiglu_turn(pre + pre_at + s * 2 * F + f, F,
                                          ws[ws_at + s] * q[i][j]);
            dot += q[i][j] * h_f;
            if (keep_h)
                h[h_at + s * F + f] = h_f;
        }
        dots[r * BX + lx] = dot;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int r = get_local_id(0); r < rows; r += WG) {
        float dot = 0.0f;
        for (int i = 0; i < BX; i++)
            dot += dots[r * BX + i];
        part[part_at + (ulong)(slot + r) * get_num_groups(0) +
             get_group_id(0)] = dot;
    }
}

/* dws[s] = the sum of its parts. */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
experts_grad_dot(__global float *restrict dws, const ulong dws_at, /* (N*K) */
                 __global const float *restrict part,
                 const ulong part_at, /* (N*K, parts) */
                 const int slots, const int parts)
{
    const ulong s = get_global_id(0);
    if (s >= (ulong)slots)
        return;
    float sum = 0.0f;
    for (int i = 0; i < parts; i++)
        sum += part[part_at + s * parts + i];
    dws[dws_at + s] = sum;
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
experts_grad_input(__global float *restrict dxs, const ulong dxs_at,
                   __global const float *restrict pre, const ulong pre_at,
                   __global const uchar *restrict w, /* weights */
                   __global const ulong *restrict offset, const ulong o_at,
                   __global const int *restrict tiles, const ulong t_at,
                   const int D, const int F, const int dtype)
{
    __local float as[BK * (BM + 1)];
    __local float bs[BK * (BN + 1)];
    __global const int *tile = tiles + t_at + 3 * get_group_id(1);
    __global const ulong *place = offset + o_at + 3 * tile[0];
    const int slot = tile[1], rows = tile[2], d0 = get_group_id(0) * BN;
    __global const float *in = pre + pre_at + (ulong)slot * 2 * F;
    const int lx = get_local_id(0) % BX, ly = get_local_id(0) / BX;
    const int depth = rows ? F : 0;
    float sum[4][4] = {{0.0f}};

    for (int side = 0; side < 2; side++)
        for (int k0 = 0; k0 < depth; k0 += BK) {
            block_load_a(as, in + side * F, 2 * F, 1, 0, rows, k0, F);
            block_load_w(bs, w, place[side] + d0, 1, D, D - d0, k0, F, dtype);
            barrier(CLK_LOCAL_MEM_FENCE);
            block_step(sum, as, bs);
            barrier(CLK_LOCAL_MEM_FENCE);
        }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            const int r = ly + i * BY, d = d0 + lx + j * BX;
            if (r < rows && d < D)
                dxs[dxs_at + (ulong)(slot + r) * D + d] = sum[i][j];
        }
}

/* s[k][i] = scale[k0 + k] a[row k0 + k][i], EDGE columns, `cols` exist. */
#define BLOCK_LOAD_SLOTS(name, EDGE)                                           \
    void name(__local float *s, __global const float *a, const int ld,         \
              __global const int *gather, __global const float *scale,         \
              const int cols, const int k0, const int K)                       \
    {                                                                          \
        for (int t = get_local_id(0); t < EDGE * BK; t += WG) {                \
            const int2 p = block_place(t, EDGE, 0);                            \
            const int k = k0 + p.y;                                            \
            float x = 0.0f;                                                    \
            if (p.x < cols && k < K)                                           \
                x = a[(ulong)(gather ? gather[k] : k) * ld + p.x] *            \
                    (scale ? scale[k] : 1.0f);                                 \
            s[p.y * (EDGE + 1) + p.x] = x;                                     \
        }                                                                      \
    }

BLOCK_LOAD_SLOTS(block_slots_a, BM)
BLOCK_LOAD_SLOTS(block_slots_b, BN)

/* One matrix (M, N) of each expert, number `which` of its three; a (.., M) and
 * b (.., N) are rows of slots, or of the tokens of slots. */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
experts_grad_weights(__global float *restrict dw, /* gradients, += */
                     __global const ulong *restrict offset, const ulong o_at,
                     __global const float *restrict a, const ulong a_at,
                     __global const float *restrict b, const ulong b_at,
                     __global const float *restrict scale, const ulong scale_at,
                     __global const int *restrict start, const ulong start_at,
                     __global const int *restrict slot_token, const ulong s_at,
                     const int M, const int N, const int lda, const int ldb,
                     const int which, const int a_tokens, const int b_tokens)
{
    __local float as[BK * (BM + 1)];
    __local float bs[BK * (BN + 1)];
    const int e = get_group_id(1), across = (N + BN - 1) / BN;
    const int down = get_group_id(0) / across, m0 = down * BM;
    const int n0 = (get_group_id(0) - down * across) * BN;
    const int slot = start[start_at + e];
    const ulong place = offset[o_at + 3 * e + which];
    const int K = place == ULONG_MAX ? 0 : start[start_at + e + 1] - slot;
    const int lx = get_local_id(0) % BX, ly = get_local_id(0) / BX;
    __global const int *token = slot_token + s_at + slot;
    __global const float *a_m =
        a + a_at + m0 + (a_tokens ? 0 : (ulong)slot * lda);
    __global const float *b_n =
        b + b_at + n0 + (b_tokens ? 0 : (ulong)slot * ldb);
    float sum[4][4] = {{0.0f}};

    for (int k0 = 0; k0 < K; k0 += BK) {
        block_slots_a(as, a_m, lda, a_tokens ? token : 0,
                      a_tokens ? scale + scale_at + slot : 0, M - m0, k0, K);
        block_slots_b(bs, b_n, ldb, b_tokens ? token : 0, 0, N - n0, k0, K);
        barrier(CLK_LOCAL_MEM_FENCE);
        block_step(sum, as, bs);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            const int m = m0 + ly + i * BY, n = n0 + lx + j * BX;
            if (K > 0 && m < M && n < N)
                dw[place + (ulong)m * N + n] += sum[i][j];
        }
}
