/*
 * experts.cl - the expert MLPs over slots sorted by expert, by blocks.
 *
 * A tile is a run of at most BM rows of one expert, shared out evenly.  The
 * list of tiles is made on the device from the dispatch; as many as there could
 * be are launched, and those beyond the end of the list have no rows.
 *
 * Math       h[s,f] = silu(x[t] . gate[e,f,:]) (x[t] . up[e,f,:])
 *            y[s,d] = down[e,d,:] . h[s,:]      t = slot_token[s]
 *            silu(z) = z / (1 + exp(-z))
 *            pre[s,:] = x[t] . gate[e,f,:], then x[t] . up[e,f,:]
 * Shapes     x (N, D)   h (N*K, F)   pre (N*K, 2F)   y (N*K, D)
 *            gate, up (F, D)   down (D, F)
 * Work       (ceil(F / BN) or ceil(D / BN), tiles) groups of WG
 * Local      BK (BM + 2 BN + 3) floats
 * Order      k ascending in one accumulator: same device, same result
 * Reference  tests/ref/experts.c, ref_experts_forward(); abs 1e-5
 * Source     Shazeer 2020, arXiv:2002.05202 (SwiGLU)
 */

#ifndef EVEN
#define EVEN 24 // a multiple of the heights of the CPU kernels' tiles
#endif

/* tiles (T, 3): expert, first slot, rows; rows 0 after the last one. */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
experts_tiles(__global int *restrict tiles, const ulong tiles_at, /* out */
              __global const int *restrict start, const ulong start_at,
              const int E, const int T, const int rows)
{
    __global const int *s = start + start_at;
    __global int *list = tiles + tiles_at;
    int e = 0, n = 0;
    // Each item counts the tiles of the experts before its own.
    for (int own = get_local_id(0); own < E; own += WG) {
        const int all = s[own + 1] - s[own], count = (all + rows - 1) / rows;
        // About as many rows in each tile, whole heights of any kernel's tile.
        const int even = (all + count - 1) / max(count, 1);
        const int share = min(rows, (even + EVEN - 1) / EVEN * EVEN);
        for (; e < own; e++)
            n += (s[e + 1] - s[e] + rows - 1) / rows;
        for (int i = 0; i < count; i++) {
            list[3 * (n + i)] = own;
            list[3 * (n + i) + 1] = s[own] + i * share;
            list[3 * (n + i) + 2] = clamp(all - i * share, 0, share);
        }
    }
    for (; e < E; e++)
        n += (s[e + 1] - s[e] + rows - 1) / rows;
    for (int t = n + get_local_id(0); t < T; t += WG)
        list[3 * t] = list[3 * t + 1] = list[3 * t + 2] = 0;
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
experts_up(__global float *restrict h, const ulong h_at,       /* (N*K, F) */
           __global float *restrict pre, const ulong pre_at,   /* (N*K, 2F) */
           __global const float *restrict x, const ulong x_at, /* (N, D) */
           __global const uchar *restrict w,                   /* weights */
           __global const ulong *restrict offset, const ulong o_at, /* (E,3) */
           __global const int *restrict tiles, const ulong t_at,    /* (T,3) */
           __global const int *restrict slot_token, const ulong s_at,
           const int D, const int F, const int dtype, const int has_pre)
{
    __local float as[BK * (BM + 1)];
    __local float gs[BK * (BN + 1)];
    __local float us[BK * (BN + 1)];
    __global const int *tile = tiles + t_at + 3 * get_group_id(1);
    __global const ulong *place = offset + o_at + 3 * tile[0];
    const int slot = tile[1], rows = tile[2], f0 = get_group_id(0) * BN;
    const int lx = get_local_id(0) % BX, ly = get_local_id(0) / BX;
    const int depth = rows ? D : 0;
    const ulong row = (ulong)f0 * D;
    float g[4][4] = {{0.0f}}, u[4][4] = {{0.0f}};

    for (int k0 = 0; k0 < depth; k0 += BK) {
        block_load_a(as, x + x_at, D, 1, slot_token + s_at + slot, rows, k0, D);
        block_load_w(gs, w, place[0] + row, D, 1, F - f0, k0, D, dtype);
        block_load_w(us, w, place[1] + row, D, 1, F - f0, k0, D, dtype);
        barrier(CLK_LOCAL_MEM_FENCE);
        block_step(g, as, gs);
        block_step(u, as, us);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            const int r = ly + i * BY, f = f0 + lx + j * BX;
            if (r >= rows || f >= F)
                continue;
            h[h_at + (ulong)(slot + r) * F + f] =
                g[i][j] / (1.0f + exp(-g[i][j])) * u[i][j];
            if (has_pre) {
                const ulong at = pre_at + (ulong)(slot + r) * 2 * F + f;
                pre[at] = g[i][j];
                pre[at + F] = u[i][j];
            }
        }
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
experts_down(__global float *restrict y, const ulong y_at,       /* (N*K, D) */
             __global const float *restrict h, const ulong h_at, /* (N*K, F) */
             __global const uchar *restrict w,                   /* weights */
             __global const ulong *restrict offset, const ulong o_at,
             __global const int *restrict tiles, const ulong t_at, /* (T,3) */
             const int D, const int F, const int dtype)
{
    __local float as[BK * (BM + 1)];
    __local float bs[BK * (BN + 1)];
    __global const int *tile = tiles + t_at + 3 * get_group_id(1);
    const ulong place = offset[o_at + 3 * tile[0] + 2];
    const int slot = tile[1], rows = tile[2], d0 = get_group_id(0) * BN;
    const int lx = get_local_id(0) % BX, ly = get_local_id(0) / BX;
    const int depth = rows ? F : 0;
    float sum[4][4] = {{0.0f}};

    for (int k0 = 0; k0 < depth; k0 += BK) {
        block_load_a(as, h + h_at + (ulong)slot * F, F, 1, 0, rows, k0, F);
        block_load_w(bs, w, place + (ulong)d0 * F, F, 1, D - d0, k0, F, dtype);
        barrier(CLK_LOCAL_MEM_FENCE);
        block_step(sum, as, bs);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            const int r = ly + i * BY, d = d0 + lx + j * BX;
            if (r < rows && d < D)
                y[y_at + (ulong)(slot + r) * D + d] = sum[i][j];
        }
}
