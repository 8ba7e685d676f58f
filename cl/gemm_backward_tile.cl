/*
 * gemm_backward_tile.cl - products on CPUs whose second operand lies (K, N):
 * the gradients of inputs, dX = dY W, and of weights, dW = dY^T X.
 *
 * A block of the first operand is packed MR rows of the result wide, for the
 * second-level cache; the second one WIDE columns at a time, in panels of
 * which one stays in the first-level cache while all of the block passes.  Sums
 * of at most DEEP terms are added to the result.
 *
 * Math       c[i,j] (+)= sum_k a[i,k] b[k,j], or sum_k a[k,i] b[k,j]
 * Shapes     panel (cols / NR, kn, NR)   side (rows / MR, kn, MR) and 8 floats
 *            after each of its parts; kn <= DEEP, cols <= WIDE, rows <= SIDE
 * Work       called by kernels of one work-item a group
 * Local      PANEL + SIDES + MR NR floats, of the kernel
 * Order      k ascending in one accumulator a step: same device, same result
 * Reference  tests/ref/gemm.c, ref_gemm()
 * Source     Goto and van de Geijn 2008, doi:10.1145/1356052.1356053
 */
#define DEEP  (KB / 4) // steps of k
#define WIDE  (2 * NB) // columns that are packed at a time
#define SIDE  264      // rows of a block, a multiple of any MR
#define GAP   8        // floats between parts of a side
#define PANEL (DEEP * WIDE)
#define SIDES (SIDE / MR * (DEEP * MR + GAP))
#define AT_ONCE                                                                \
    8 // rows that are packed together, so that their lines come
      // from memory together

/* ---- Packing ------------------------------------------------------------ */

/* n rows of b, `cols` columns, to one step k of the panels; zero from column
 * `cols` to the end of its panel.  The rows of the next step follow in `row`
 * and are asked for.  A macro, so that types are told apart outside of the
 * loops. */
#define PACK_ROWS(name, dtype, size)                                           \
    void name(__local float *panel, __global const uchar *b,                   \
              const size_t *row, const int n, const int cols, const int kn)    \
    {                                                                          \
        int c = 0;                                                             \
        for (; c + NR <= cols && n == AT_ONCE; c += NR)                        \
            _Pragma("unroll") for (int i = 0; i < AT_ONCE; i++)                \
            {                                                                  \
                FETCH(b + (row[AT_ONCE + i] + c) * size);                      \
                _Pragma("unroll") for (int j = 0; j < NV; j++)                 \
                    STORE(weight_vec(b, row[i] + c + j * VW, dtype), j,        \
                          panel + c * kn + i * NR);                            \
            }                                                                  \
        for (; c < cols; c += NR)                                              \
            for (int i = 0; i < n; i++)                                        \
                for (int j = 0; j < NR; j++)                                   \
                    panel[c * kn + i * NR + j] =                               \
                        c + j < cols ? weight_load(b, row[i] + c + j, dtype)   \
                                     : 0.0f;                                   \
    }

PACK_ROWS(pack_rows_f32, DTYPE_F32, 4)
PACK_ROWS(pack_rows_bf16, DTYPE_BF16, 2)
PACK_ROWS(pack_rows_f16, DTYPE_F16, 2)

/* panel[n / NR][k][n % NR] = b[k][n], or of row gather[k]. */
void
pack_panels(__local float *panel, __global const uchar *b, const size_t at,
            const size_t ld, __global const int *gather, const int cols,
            const int kn, const int dtype)
{
    for (int k = 0; k < kn; k += AT_ONCE, panel += AT_ONCE * NR) {
        size_t row[2 * AT_ONCE];
        const int n = min(AT_ONCE, kn - k);
        for (int i = 0; i < 2 * AT_ONCE; i++) {
            const int at_k = min(k + i, kn - 1);
            row[i] = at + (gather ? gather[at_k] : at_k) * ld;
        }
        if (dtype == DTYPE_F32)
            pack_rows_f32(panel, b, row, n, cols, kn);
        else if (dtype == DTYPE_BF16)
            pack_rows_bf16(panel, b, row, n, cols, kn);
        else
            pack_rows_f16(panel, b, row, n, cols, kn);
    }
}

/* side[i / MR][k][i % MR] = scale[k] a[k][i], or of row gather[k], for `rows`
 * columns of a; `left` columns may be read, and what is read beyond `rows` is
 * not used.  Eight are stored at once: the next k, or the gap, takes what is
 * too much. */
void
pack_sides(__local float *side, __global const float *a, const size_t ld,
           __global const int *gather, __global const float *scale,
           const int rows, const int left, const int kn)
{
    const int step = kn * MR + GAP;
    for (int k = 0; k < kn; k += AT_ONCE) {
        __global const float *row[AT_ONCE];
        __local float *o = side + k * MR;
        float f[AT_ONCE];
        const int n = min(AT_ONCE, kn - k);
        for (int i = 0; i < n; i++) {
            row[i] = a + (gather ? gather[k + i] : k + i) * ld;
            f[i] = scale ? scale[k + i] : 1.0f;
        }
        int r = 0;
        for (; r < rows && r + 8 <= left && n == AT_ONCE; r += MR, o += step)
            _Pragma("unroll") for (int i = 0; i < AT_ONCE; i++)
                vstore8(f[i] * vload8(0, row[i] + r), 0, o + i * MR);
        for (; r < rows; r += MR, o += step)
            for (int i = 0; i < n; i++)
                for (int j = 0; j < MR; j++)
                    o[i * MR + j] = f[i] * row[i][min(r + j, left - 1)];
    }
}

/* The same of rows of a where they lie: side[i / MR][k][i % MR] = a[i][k]. */
void
pack_rows(__local float *side, __global const float *a, const size_t ld,
          const int rows, const int kn)
{
    for (int r = 0; r < rows; r += MR, side += kn * MR + GAP) {
        __global const float *row[MR];
        for (int i = 0; i < MR; i++)
            row[i] = a + min(r + i, rows - 1) * ld;
        for (int k = 0; k < kn; k++)
            _Pragma("unroll") for (int i = 0; i < MR; i++) side[k * MR + i] =
                row[i][k];
    }
}

/* ---- Tiles -------------------------------------------------------------- */

TILE(tile_side_to, __global, __local const float *side, side[k * MR + i])
TILE(tile_side_edge, __local, __local const float *side, side[k * MR + i])

/* The part of a tile that is inside of the result. */
void
store_edge(__global float *c, const size_t ldc, __local const float *edge,
           const int rows, const int cols, const int add)
{
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < cols; j++)
            c[r * ldc + j] = edge[r * NR + j] + (add ? c[r * ldc + j] : 0.0f);
}

/* The block's rows of the columns that are packed. */
void
sides_to(__global float *c, const size_t ldc, __local float *edge,
         __local const float *side, __local const float *panel, const int rows,
         const int cols, const int kn, const int add)
{
    for (int n = 0; n < cols; n += NR)
        for (int r = 0; r < rows; r += MR) {
            __local const float *part = side + r / MR * (kn * MR + GAP);
            if (r + MR <= rows && n + NR <= cols)
                tile_side_to(c + r * ldc + n, ldc, part, panel + n * kn, kn,
                             add);
            else {
                tile_side_edge(edge, NR, part, panel + n * kn, kn, 0);
                store_edge(c + r * ldc + n, ldc, edge, min(rows - r, MR),
                           min(NR, cols - n), add);
            }
        }
}

/* The block's rows of `cols` columns of the result from columns of b, row 0 of
 * the step from element `at` on, or its rows gather[k]; WIDE at a time. */
void
block_to(__global float *c, const size_t ldc, __local float *edge,
         __local const float *side, __local float *panel,
         __global const uchar *b, const size_t at, const size_t ld,
         __global const int *gather, const int rows, const int cols,
         const int kn, const int dtype, const int add)
{
    for (int n = 0; n < cols; n += WIDE) {
        const int some = min(WIDE, cols - n);
        pack_panels(panel, b, at + n, ld, gather, some, kn, dtype);
        sides_to(c + n, ldc, edge, side, panel, rows, some, kn, add);
    }
}
