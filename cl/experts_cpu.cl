/*
 * experts_cpu.cl - the expert MLPs on CPUs, from the tile of gemm_tile.cl.
 *
 * The columns of a block are NB / 2 of gate beside the same NB / 2 of up, so
 * that their product is formed while the sums are in the first-level cache.
 * Tiles of at most `few` rows read the weights in place.
 *
 * Math       as experts.cl
 * Shapes     as experts.cl
 * Work       one item a group; (ceil(F / (NB/2)) or ceil(D / NB), tiles) groups
 * Local      KB * NB + RB * NB floats
 * Order      as the tile; the way is chosen by the number of rows of a tile
 * Reference  tests/ref/experts.c, ref_experts_forward(); abs 1e-5
 * Source     Shazeer 2020, arXiv:2002.05202 (SwiGLU)
 */
#define HALF (NB / 2)

/* h[r,j] = silu(gate) up of the sums in c. */
void
swiglu_rows(__global float *h, const size_t ld, __local const float *c,
            const int rows, const int cols)
{
    const int whole = cols / VW * VW;
    for (int r = 0; r < rows; r++, h += ld, c += NB) {
        for (int j = 0; j < whole; j += VW) {
            const vec g = LOAD(0, c + j);
            STORE(g * vec_sigmoid(g) * LOAD(0, c + HALF + j), 0, h + j);
        }
        for (int j = whole; j < cols; j++)
            h[j] = c[j] / (1.0f + exp(-c[j])) * c[HALF + j];
    }
}

/* The sums themselves, those of up F columns after those of gate. */
void
keep_rows(__global float *pre, const int F, __local const float *c,
          const int rows, const int cols)
{
    store_rows(pre, 2 * F, c, rows, cols, 0, 0);
    store_rows(pre + F, 2 * F, c + HALF, rows, cols, 0, 0);
}

/* Panels of gate, then as many of up; columns beyond cols are zero. */
void
pack_pair(__local float *panel, __global const uchar *w, const size_t gate,
          const size_t up, const int D, const int cols, const int kn,
          const int dtype)
{
    for (int j = 0; j < HALF; j += NR) {
        const int n = clamp(cols - j, 0, NR);
        pack(panel + j * KB, w, gate + (size_t)j * D, D, n, kn, dtype);
        pack(panel + (HALF + j) * KB, w, up + (size_t)j * D, D, n, kn, dtype);
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
experts_cpu_up(__global float *restrict h, const ulong h_at, /* (N*K, F) out */
               __global float *restrict pre, const ulong pre_at, /* (N*K, 2F) */
               __global const float *restrict x, const ulong x_at, /* (N, D) */
               __global const uchar *restrict w,                   /* weights */
               __global const ulong *restrict offset, const ulong o_at,
               __global const int *restrict tiles, const ulong t_at, /* (T,3) */
               __global const int *restrict slot_token, const ulong s_at,
               const int D, const int F, const int dtype, const int has_pre,
               const int few)
{
    __local float panel[KB * NB];
    __local float sums[RB * NB];
    __global const int *tile = tiles + t_at + 3 * get_group_id(1);
    const int slot = tile[1], rows = tile[2], f0 = get_group_id(0) * HALF;
    const int cols = min(HALF, F - f0);
    __global const ulong *place = offset + o_at + 3 * tile[0];
    const size_t gate = place[0] + (size_t)f0 * D;
    const size_t up = place[1] + (size_t)f0 * D;
    __global const int *token = slot_token + s_at + slot;
    __global float *out = h + h_at + (size_t)slot * F + f0;
    __global float *keep = pre + pre_at + (size_t)slot * 2 * F + f0;

    if (rows <= few) {
        for (int r = 0; r < rows; r += DR) {
            dot_rows(sums, w, gate, D, cols, x + x_at, D, token, r, rows - 1, D,
                     dtype);
            dot_rows(sums + HALF, w, up, D, cols, x + x_at, D, token, r,
                     rows - 1, D, dtype);
            swiglu_rows(out + (size_t)r * F, F, sums, min(DR, rows - r), cols);
            if (has_pre)
                keep_rows(keep + (size_t)r * 2 * F, F, sums, min(DR, rows - r),
                          cols);
        }
        return;
    }
    for (int k0 = 0; k0 < D; k0 += KB) {
        const int kn = min(KB, D - k0);
        pack_pair(panel, w, gate + k0, up + k0, D, cols, kn, dtype);
        for (int r = 0; r < rows; r += MR) {
            __local float *sum = sums + (D > KB ? r * NB : 0);
            tile_rows(sum, panel, NB / NR, x + x_at + k0, D, token, r, rows - 1,
                      kn, k0 > 0);
            if (k0 + kn < D)
                continue;
            swiglu_rows(out + (size_t)r * F, F, sum, min(MR, rows - r), cols);
            if (has_pre)
                keep_rows(keep + (size_t)r * 2 * F, F, sum, min(MR, rows - r),
                          cols);
        }
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
experts_cpu_down(__global float *restrict y, const ulong y_at, /* (N*K, D) */
                 __global const float *restrict h, const ulong h_at,
                 __global const uchar *restrict w, /* weights */
                 __global const ulong *restrict offset, const ulong o_at,
                 __global const int *restrict tiles, const ulong t_at,
                 const int D, const int F, const int dtype, const int few)
{
    __local float panel[KB * NB];
    __local float sums[RB * NB];
    __global const int *tile = tiles + t_at + 3 * get_group_id(1);
    const int slot = tile[1], rows = tile[2], d0 = get_group_id(0) * NB;
    const int cols = min(NB, D - d0);
    const size_t down = offset[o_at + 3 * tile[0] + 2] + (size_t)d0 * F;
    __global const float *in = h + h_at + (size_t)slot * F;
    __global float *out = y + y_at + (size_t)slot * D + d0;

    if (rows <= few) {
        for (int r = 0; r < rows; r += DR) {
            dot_rows(sums, w, down, F, cols, in, F, 0, r, rows - 1, F, dtype);
            store_rows(out + (size_t)r * D, D, sums, min(DR, rows - r), cols, 0,
                       0);
        }
        return;
    }
    for (int k0 = 0; k0 < F; k0 += KB) {
        const int kn = min(KB, F - k0);
        const int panels = pack_step(panel, w, down + k0, F, cols, kn, dtype);
        for (int r = 0; r < rows; r += MR) {
            __local float *sum = sums + (F > KB ? r * NB : 0);
            tile_rows(sum, panel, panels, in + k0, F, 0, r, rows - 1, kn,
                      k0 > 0);
            if (k0 + kn == F)
                store_rows(out + (size_t)r * D, D, sum, min(MR, rows - r), cols,
                           0, 0);
        }
    }
}
