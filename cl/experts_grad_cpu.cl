/*
 * experts_grad_cpu.cl - the experts backwards on CPUs, by the tiles and the
 * packing of gemm_backward_tile.cl.
 *
 * Math       as experts_grad.cl
 * Shapes     as experts_grad.cl
 * Work       one item a group; (ceil(F / WIDE) or ceil(D / SPAN), tiles)
 *            groups, tiles of at most SIDE rows; (blocks of a matrix, of SIDE
 *            rows at most and SPAN columns, E) for the weights
 * Local      PANEL + SIDE WIDE floats, or PANEL + SIDES + MR NR
 * Order      as the tile, a new sum every DEEP; blocks of columns in parts of
 *            dws
 * Reference  tests/ref/experts_grad.c, ref_experts_backward(); abs 1e-5
 * Source     Shazeer 2020, arXiv:2002.05202 (SwiGLU), differentiated
 */
#define SPAN (4 * WIDE) // columns of a block of a result
#define ONE  __attribute__((reqd_work_group_size(1, 1, 1)))

/* q (rows, WIDE) to dg and du in pre; the dot with h of each row to `part`. */
void
swiglu_back(__global float *part, const int parts, __global float *pre,
            __global float *h, const int F, __global const float *ws,
            __local const float *q, const int rows, const int cols)
{
    const int whole = cols / VW * VW;
    for (int r = 0; r < rows; r++, pre += 2 * F, q += WIDE) {
        vec dots = (vec)(0.0f);
        for (int j = 0; j < whole; j += VW) {
            const vec g = LOAD(0, pre + j), u = LOAD(0, pre + F + j);
            const vec z = vec_sigmoid(g), q_j = LOAD(0, q + j);
            const vec dh = ws[r] * q_j, h_j = g * z * u;
            STORE(dh * u * z * (1.0f + g * (1.0f - z)), 0, pre + j);
            STORE(dh * g * z, 0, pre + F + j);
            dots += q_j * h_j;
            if (h)
                STORE(h_j, 0, h + (size_t)r * F + j);
        }
        float dot = vec_sum(dots);
        for (int j = whole; j < cols; j++) {
            const float g = pre[j], u = pre[F + j], t = 1.0f + exp(-g);
            const float z = 1.0f / t, dh = ws[r] * q[j], h_j = g / t * u;
            pre[j] = dh * u * z * (1.0f + g * (1.0f - z));
            pre[F + j] = dh * g * z;
            dot += q[j] * h_j;
            if (h)
                h[(size_t)r * F + j] = h_j;
        }
        part[(size_t)r * parts] = dot;
    }
}

__kernel ONE void
experts_grad_cpu_hidden(
    __global float *restrict part, const ulong part_at,
    __global float *restrict pre, const ulong pre_at, /* (N*K, 2F) in out */
    __global float *restrict h, const ulong h_at,     /* (N*K, F) out */
    __global const float *restrict dout, const ulong dout_at, /* (N, D) */
    __global const float *restrict ws, const ulong ws_at,     /* (N*K) */
    __global const uchar *restrict w,                         /* weights */
    __global const ulong *restrict offset, const ulong o_at,  /* (E, 3) */
    __global const int *restrict tiles, const ulong t_at,     /* (T, 3) */
    __global const int *restrict slot_token, const ulong s_at, const int D,
    const int F, const int dtype, const int keep_h)
{
    __local float panel[PANEL];
    __local float sums[SIDE * WIDE];
    __global const int *tile = tiles + t_at + 3 * get_group_id(1);
    const int slot = tile[1], rows = tile[2], f0 = get_group_id(0) * WIDE;
    const int cols = min(WIDE, F - f0), parts = get_num_groups(0);
    const size_t down = offset[o_at + 3 * tile[0] + 2] + f0;
    __global const int *token = slot_token + s_at + slot;
    __global float *pre_s = pre + pre_at + (size_t)slot * 2 * F + f0;
    __global float *part_s =
        part + part_at + (size_t)slot * parts + get_group_id(0);
    __global float *h_s = h + h_at + (size_t)slot * F + f0;

    for (int k0 = 0; k0 < D && rows > 0; k0 += DEEP) {
        const int kn = min(DEEP, D - k0);
        pack_panels(panel, w, down + (size_t)k0 * F, F, 0, cols, kn, dtype);
        for (int r = 0; r < rows; r += MR) {
            __global const float *row[MR];
            for (int i = 0; i < MR; i++)
                row[i] = dout + dout_at +
                         (size_t)token[min(r + i, rows - 1)] * D + k0;
            for (int n = 0; n < cols; n += NR)
                tile_in_place(sums + r * WIDE + n, WIDE, row, panel + n * kn,
                              kn, k0 > 0);
        }
    }
    swiglu_back(part_s, parts, pre_s, keep_h ? h_s : 0, F, ws + ws_at + slot,
                sums, rows, cols);
}

__kernel ONE void
experts_grad_cpu_input(
    __global float *restrict dxs, const ulong dxs_at,        /* (N*K, D) out */
    __global const float *restrict pre, const ulong pre_at,  /* (N*K, 2F) */
    __global const uchar *restrict w,                        /* weights */
    __global const ulong *restrict offset, const ulong o_at, /* (E, 3) */
    __global const int *restrict tiles, const ulong t_at,    /* (T, 3) */
    const int D, const int F, const int dtype)
{
    __local float panel[PANEL];
    __local float side[SIDES];
    __local float edge[MR * NR];
    __global const int *tile = tiles + t_at + 3 * get_group_id(1);
    const int slot = tile[1], rows = tile[2], d0 = get_group_id(0) * SPAN;
    const int cols = min(SPAN, D - d0);
    __global const ulong *place = offset + o_at + 3 * tile[0];
    __global const float *in = pre + pre_at + (size_t)slot * 2 * F;
    __global float *out = dxs + dxs_at + (size_t)slot * D + d0;

    for (int up = 0; up < 2; up++)
        for (int k0 = 0; k0 < F && rows > 0; k0 += DEEP) {
            const int kn = min(DEEP, F - k0);
            pack_rows(side, in + up * F + k0, 2 * F, rows, kn);
            block_to(out, D, edge, side, panel, w,
                     place[up] + d0 + (size_t)k0 * D, D, 0, rows, cols, kn,
                     dtype, up > 0 || k0 > 0);
        }
}

/* ---- Gradients of weights ----------------------------------------------- */

__kernel ONE void
experts_grad_cpu_weights(
    __global float *restrict dw,                             /* gradients, += */
    __global const ulong *restrict offset, const ulong o_at, /* (E, 3) */
    __global const float *restrict a, const ulong a_at,      /* (.., M) */
    __global const float *restrict b, const ulong b_at,      /* (.., N) */
    __global const float *restrict scale, const ulong scale_at, /* (N*K) */
    __global const int *restrict start, const ulong start_at,   /* (E+1) */
    __global const int *restrict slot_token, const ulong s_at,  /* (N*K) */
    const int M, const int N, const int lda, const int ldb, const int which,
    const int a_tokens, const int b_tokens)
{
    __local float panel[PANEL];
    __local float side[SIDES];
    __local float edge[MR * NR];
    const int e = get_group_id(1), across = (N + SPAN - 1) / SPAN;
    const int down = (M + SIDE - 1) / SIDE; // blocks of about as many rows
    const int block = ((M + down - 1) / down + MR - 1) / MR * MR;
    const int m0 = get_group_id(0) / across * block;
    const int n0 = get_group_id(0) % across * SPAN;
    const int rows = min(block, M - m0), cols = min(SPAN, N - n0);
    const int slot = start[start_at + e], end = start[start_at + e + 1];
    const ulong place = offset[o_at + 3 * e + which];
    if (place == ULONG_MAX)
        return;
    __global float *out = dw + place + (size_t)m0 * N + n0;

    for (int s = slot; s < end && rows > 0; s += DEEP) {
        const int kn = min(DEEP, end - s);
        __global const int *token = slot_token + s_at + s;
        pack_sides(side, a + a_at + m0 + (a_tokens ? 0 : (size_t)s * lda), lda,
                   a_tokens ? token : 0, a_tokens ? scale + scale_at + s : 0,
                   rows, M - m0, kn);
        block_to(out, N, edge, side, panel, (__global const uchar *)b,
                 b_at + n0 + (b_tokens ? 0 : (size_t)s * ldb), ldb,
                 b_tokens ? token : 0, rows, cols, kn, DTYPE_F32, 1);
    }
}
