/*
 * experts_grad_cpu.cl - the experts backwards on CPUs, by gemm_tile.cl's tile.
 *
 * Products with weights pack them as they lie, (K, N).  For the gradients of
 * weights both operands are rows of slots: columns of the one are packed into
 * panels as weights are, columns of the other MR wide, from which the tile
 * takes single numbers.
 *
 * Math       as experts_grad.cl
 * Shapes     as experts_grad.cl
 * Work       one item a group; (ceil(F / NB) or ceil(D / NB), tiles) groups;
 *            (blocks of a matrix, E) for the weights
 * Local      (KB + RB) NB floats, or DEEP (WIDE + SIDE) + RB WIDE
 * Order      as the tile; blocks of columns in parts of dws
 * Reference  tests/ref/experts_grad.c, ref_experts_backward(); abs 1e-5
 * Source     Shazeer 2020, arXiv:2002.05202 (SwiGLU), differentiated
 */
#define DEEP 128      // slots of a step of the weights' gradients
#define WIDE (2 * NB) // columns of their blocks
#define SIDE (8 * MR) // columns of the MR wide operand packed at once
#define ONE  __attribute__((reqd_work_group_size(1, 1, 1)))

/* As pack_step() of columns, but row by row: all NB columns of a row are
 * neighbours in memory, its panels are not. */
void
pack_wide_of(__local float *panel, __global const uchar *w, const size_t at,
             const size_t ld, const int cols, const int kn, const int dtype)
{
    const int whole = cols / NR * NR;
    for (int k = 0; k < kn; k++, panel += NR) {
        const size_t row = at + k * ld;
        for (int c = 0; c < whole; c += NR)
            _Pragma("unroll") for (int j = 0; j < NR; j += 4) vstore4(
                weight_load4(w, row + c + j, dtype), 0, panel + c * KB + j);
        for (int c = whole; c < cols; c += NR)
            for (int j = 0; j < NR; j++)
                panel[c * KB + j] =
                    c + j < cols ? weight_load(w, row + c + j, dtype) : 0.0f;
    }
}

/* Returns how many panels. */
int
pack_wide(__local float *panel, __global const uchar *w, const size_t at,
          const size_t ld, const int cols, const int kn, const int dtype)
{
    if (dtype == DTYPE_F32)
        pack_wide_of(panel, w, at, ld, cols, kn, DTYPE_F32);
    else if (dtype == DTYPE_BF16)
        pack_wide_of(panel, w, at, ld, cols, kn, DTYPE_BF16);
    else
        pack_wide_of(panel, w, at, ld, cols, kn, DTYPE_F16);
    return (cols + NR - 1) / NR;
}

/* q (rows, NB) to dg and du in pre; the dot with h of each row to `part`. */
void
swiglu_back(__global float *part, const int parts, __global float *pre,
            __global float *h, const int F, __global const float *ws,
            __local const float *q, const int rows, const int cols)
{
    const int whole = cols / VW * VW;
    for (int r = 0; r < rows; r++, pre += 2 * F, q += NB) {
        vec dots = (vec)(0.0f);
        for (int j = 0; j < whole; j += VW) {
            const vec g = LOAD(0, pre + j), u = LOAD(0, pre + F + j);
            const vec t = 1.0f + exp(-g), z = 1.0f / t, q_j = LOAD(0, q + j);
            const vec dh = ws[r] * q_j, h_j = g / t * u;
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
    __local float panel[KB * NB];
    __local float sums[RB * NB];
    __global const int *tile = tiles + t_at + 3 * get_group_id(1);
    const int slot = tile[1], rows = tile[2], f0 = get_group_id(0) * NB;
    const int cols = min(NB, F - f0), parts = get_num_groups(0);
    const size_t down = offset[o_at + 3 * tile[0] + 2] + f0;
    __global const int *token = slot_token + s_at + slot;
    __global float *pre_s = pre + pre_at + (size_t)slot * 2 * F + f0;
    __global float *part_s =
        part + part_at + (size_t)slot * parts + get_group_id(0);
    __global float *h_s = h + h_at + (size_t)slot * F + f0;

    for (int k0 = 0; k0 < D && rows > 0; k0 += KB) {
        const int kn = min(KB, D - k0);
        const int panels =
            pack_wide(panel, w, down + (size_t)k0 * F, F, cols, kn, dtype);
        for (int r = 0; r < rows; r += MR) {
            __local float *sum = sums + (D > KB ? r * NB : 0);
            tile_rows(sum, panel, panels, dout + dout_at + k0, D, token, r,
                      rows - 1, kn, k0 > 0);
            if (k0 + kn == D)
                swiglu_back(
                    part_s + (size_t)r * parts, parts,
                    pre_s + (size_t)r * 2 * F, keep_h ? h_s + (size_t)r * F : 0,
                    F, ws + ws_at + slot + r, sum, min(MR, rows - r), cols);
        }
    }
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
    __local float panel[KB * NB];
    __local float sums[RB * NB];
    __global const int *tile = tiles + t_at + 3 * get_group_id(1);
    const int slot = tile[1], rows = tile[2], d0 = get_group_id(0) * NB;
    const int cols = min(NB, D - d0);
    __global const ulong *place = offset + o_at + 3 * tile[0];
    __global const float *in = pre + pre_at + (size_t)slot * 2 * F;
    __global float *out = dxs + dxs_at + (size_t)slot * D + d0;

    for (int side = 0; side < 2; side++)
        for (int k0 = 0; k0 < F && rows > 0; k0 += KB) {
            const int kn = min(KB, F - k0), last = side == 1 && k0 + kn == F;
            const int panels =
                pack_wide(panel, w, place[side] + d0 + (size_t)k0 * D, D, cols,
                          kn, dtype);
            for (int r = 0; r < rows; r += MR) {
                __local float *sum = sums + r * NB;
                tile_rows(sum, panel, panels, in + side * F + k0, 2 * F, 0, r,
                          rows - 1, kn, side > 0 || k0 > 0);
                if (last)
                    store_rows(out + (size_t)r * D, D, sum, min(MR, rows - r),
                               cols, 0, 0);
            }
        }
}

/* ---- Gradients of weights ----------------------------------------------- */

/* The columns of kn rows in panels WIDE columns wide, DEEP apart: column c of
 * row k, times scale[k], at panel c / WIDE.  Zero from column `cols` to the end
 * of its panel. */
#define PACK_SLOTS(name, WIDE)                                                 \
    void name(__local float *out, __global const float *a, const size_t ld,    \
              __global const int *gather, __global const float *scale,         \
              const int cols, const int kn)                                    \
    {                                                                          \
        const int whole = cols / WIDE * WIDE;                                  \
        for (int k = 0; k < kn; k++, out += WIDE) {                            \
            __global const float *row =                                        \
                a + (size_t)(gather ? gather[k] : k) * ld;                     \
            const float f = scale ? scale[k] : 1.0f;                           \
            for (int c = 0; c < whole; c += WIDE)                              \
                _Pragma("unroll") for (int j = 0; j < WIDE; j += 2)            \
                    vstore2(f *vload2(0, row + c + j), 0, out + c * DEEP + j); \
            for (int c = whole; c < cols; c += WIDE)                           \
                for (int j = 0; j < WIDE; j++)                                 \
                    out[c * DEEP + j] = c + j < cols ? f * row[c + j] : 0.0f;  \
        }                                                                      \
    }

PACK_SLOTS(pack_side, MR)
PACK_SLOTS(pack_panel, NR)

/* MR x NR sums of the products of two packed panels. */
void
tile_slots(__local float *c, __local const float *side,
           __local const float *panel, const int kn, const int add)
{
    vec sum[MR][NV];
    _Pragma("unroll") for (int i = 0; i < MR; i++)
        _Pragma("unroll") for (int j = 0; j < NV; j++) sum[i][j] =
            add ? LOAD(j, c + i * NB) : (vec)(0.0f);
    for (int k = 0; k < kn; k++, side += MR, panel += NR) {
        vec b[NV];
        _Pragma("unroll") for (int j = 0; j < NV; j++) b[j] = LOAD(j, panel);
        _Pragma("unroll") for (int i = 0; i < MR; i++)
        {
            const vec a = (vec)(side[i]);
            _Pragma("unroll") for (int j = 0; j < NV; j++) sum[i][j] =
                a * b[j] + sum[i][j];
        }
    }
    _Pragma("unroll") for (int i = 0; i < MR; i++)
        _Pragma("unroll") for (int j = 0; j < NV; j++)
            STORE(sum[i][j], j, c + i * NB);
}

/* All panels of columns against one step's `rows` packed rows; sums of columns
 * from NB on lie RB rows further. */
void
tile_sides(__local float *c, __local const float *side,
           __local const float *panel, const int rows, const int cols,
           const int kn, const int add)
{
    for (int r = 0; r < rows; r += MR)
        for (int n = 0; n < cols; n += NR)
            tile_slots(c + n / NB * RB * NB + r * NB + n % NB, side + r * DEEP,
                       panel + n * DEEP, kn, add);
}

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
    __local float panel[DEEP * WIDE];
    __local float side[DEEP * SIDE];
    __local float sums[RB * WIDE];
    const int e = get_group_id(1), across = (N + WIDE - 1) / WIDE;
    const int m0 = get_group_id(0) / across * RB;
    const int n0 = get_group_id(0) % across * WIDE;
    const int rows = min(RB, M - m0), cols = min(WIDE, N - n0);
    const int slot = start[start_at + e], end = start[start_at + e + 1];
    const ulong place = offset[o_at + 3 * e + which];
    if (place == ULONG_MAX)
        return;
    __global float *out = dw + place + (size_t)m0 * N + n0;

    for (int s = slot; s < end; s += DEEP) {
        const int kn = min(DEEP, end - s);
        __global const int *token = slot_token + s_at + s;
        __global const float *a_s =
            a + a_at + m0 + (a_tokens ? 0 : (size_t)s * lda);
        __global const float *b_s =
            b + b_at + n0 + (b_tokens ? 0 : (size_t)s * ldb);
        pack_panel(panel, b_s, ldb, b_tokens ? token : 0, 0, cols, kn);
        for (int r = 0; r < rows; r += SIDE) {
            const int n = min(SIDE, rows - r);
            pack_side(side, a_s + r, lda, a_tokens ? token : 0,
                      a_tokens ? scale + scale_at + s : 0, n, kn);
            tile_sides(sums + r * NB, side, panel, n, cols, kn, s > slot);
        }
        for (int n = 0; n < cols && s + kn == end; n += NB)
            store_rows(out + n, N, sums + n * RB, rows, min(NB, cols - n), 0,
                       1);
    }
}
