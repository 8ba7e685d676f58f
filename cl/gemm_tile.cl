/*
 * gemm_tile.cl - the register tile of all products on CPUs, and its packing.
 *
 * One work-item owns a block of RB rows and NB columns.  It walks k in steps
 * of KB: the weights of a step are packed, widened to f32, into panels of NR
 * columns that the second-level cache holds; then MR rows at a time run
 * against each panel, their MR x NR sums in registers.  Those of a step are
 * added to `c`: short sums keep digits, and `c` arrives meanwhile.  A tile of
 * few rows is not worth packing: dot_rows() reads the weights in place, vectors
 * along k.
 *
 * Math       c[i,j] += sum_k row[i][k] w[j,k]
 * Shapes     c (RB, NB)   panel (KB, NR)   row MR pointers   w rows of ld
 * Work       called by kernels of one work-item a group
 * Local      KB * NB + RB * NB floats, of the kernel
 * Order      k ascending in one accumulator a step (tile), or in VW of them
 *            whose sum is a fixed tree (dot): same device, same result
 * Reference  tests/ref/gemm.c, ref_gemm()
 * Source     Goto and van de Geijn 2008, doi:10.1145/1356052.1356053
 */
#ifndef VW
#define VW 8 // floats in a vector register
#endif
#ifndef NV
#define NV 2 // vectors in a row of the tile
#endif
#ifndef MR
#define MR 6 // rows of the tile: MR * NV sums, NV weights and 1 input fit
#endif
#ifndef KB
#define KB 1024 // depth of a packed panel
#endif
#ifndef NB
#define NB 64 // columns of a block, a multiple of 2 NR
#endif
#ifndef RB
#define RB 384 // rows of a block, a multiple of MR
#endif
#define NR (NV * VW) // columns of the tile, a multiple of 8
#define DR 4         // rows of a dot tile
#define DC 2         // columns of it

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
typedef JOIN(float, VW) vec;
#define LOAD  JOIN(vload, VW)
#define STORE JOIN(vstore, VW)

/* c = MR x NR sums over kn steps, or c += them; rows of c are ldc apart and
 * arrive while the sums are made.  A macro because OpenCL C 1.2 has no pointer
 * to either address space. */
#define TILE(name, space, rows, x_ik)                                          \
    void name(space float *c, const size_t ldc, rows,                          \
              __local const float *panel, const int kn, const int add)         \
    {                                                                          \
        vec sum[MR][NV];                                                       \
        _Pragma("unroll") for (int i = 0; i < MR; i++)                         \
        {                                                                      \
            FETCH(c + i * ldc);                                                \
            FETCH(c + i * ldc + NR - 1);                                       \
            _Pragma("unroll") for (int j = 0; j < NV; j++) sum[i][j] =         \
                (vec)(0.0f);                                                   \
        }                                                                      \
        for (int k = 0; k < kn; k++) {                                         \
            vec w[NV];                                                         \
            _Pragma("unroll") for (int j = 0; j < NV; j++) w[j] =              \
                LOAD(j, panel + k * NR);                                       \
            _Pragma("unroll") for (int i = 0; i < MR; i++)                     \
            {                                                                  \
                const vec x = (vec)(x_ik);                                     \
                _Pragma("unroll") for (int j = 0; j < NV; j++) sum[i][j] =     \
                    x * w[j] + sum[i][j];                                      \
            }                                                                  \
        }                                                                      \
        _Pragma("unroll") for (int i = 0; i < MR; i++)                         \
            _Pragma("unroll") for (int j = 0; j < NV; j++)                     \
                STORE(add ? sum[i][j] + LOAD(j, c + i * ldc) : sum[i][j], j,   \
                      c + i * ldc);                                            \
    }

/* Rows where they lie. */
TILE(tile_in_place, __local, __global const float *const *row, row[i][k])

/* ---- Packing ------------------------------------------------------------ */

float4
weight_load4(__global const uchar *w, const size_t i, const int dtype)
{
    if (dtype == DTYPE_F32)
        return vload4(0, (__global const float *)w + i);
    if (dtype == DTYPE_BF16)
        return as_float4(
            convert_uint4(vload4(0, (__global const ushort *)w + i)) << 16);
    return vload_half4(0, (__global const half *)w + i);
}

/* o[k][c] = w[c][k] for k < 4, c < 8: two halves side by side, so that the
 * transposition stays within 128-bit lanes. */
void
pack_4x8(__local float *o, __global const uchar *w, const size_t at,
         const size_t ld, const int dtype)
{
    float8 r[4];
    for (int c = 0; c < 4; c++)
        r[c] = (float8)(weight_load4(w, at + c * ld, dtype),
                        weight_load4(w, at + (c + 4) * ld, dtype));
    const float8 a = (float8)(r[0].s0, r[1].s0, r[0].s1, r[1].s1, r[0].s4,
                              r[1].s4, r[0].s5, r[1].s5);
    const float8 b = (float8)(r[0].s2, r[1].s2, r[0].s3, r[1].s3, r[0].s6,
                              r[1].s6, r[0].s7, r[1].s7);
    const float8 c = (float8)(r[2].s0, r[3].s0, r[2].s1, r[3].s1, r[2].s4,
                              r[3].s4, r[2].s5, r[3].s5);
    const float8 d = (float8)(r[2].s2, r[3].s2, r[2].s3, r[3].s3, r[2].s6,
                              r[3].s6, r[2].s7, r[3].s7);
    vstore8((float8)(a.s01, c.s01, a.s45, c.s45), 0, o);
    vstore8((float8)(a.s23, c.s23, a.s67, c.s67), 0, o + NR);
    vstore8((float8)(b.s01, d.s01, b.s45, d.s45), 0, o + 2 * NR);
    vstore8((float8)(b.s23, d.s23, b.s67, d.s67), 0, o + 3 * NR);
}

/* panel[k][c] = w[c][k], zero from column `cols` on.  Eight rows at a time from
 * end to end: where they lie a multiple of 4 KiB apart, no more than eight of
 * them stay in the first-level cache. */
void
pack_rows_of(__local float *panel, __global const uchar *w, const size_t at,
             const size_t ld, const int cols, const int kn, const int dtype)
{
    const int whole = cols / 8 * 8, deep = kn / 8 * 8;
    for (int c = 0; c < whole; c += 8)
        for (int k = 0; k < deep; k += 8) {
            __local float *o = panel + k * NR + c;
            const size_t from = at + c * ld + k;
            pack_4x8(o, w, from, ld, dtype);
            pack_4x8(o + 4 * NR, w, from + 4, ld, dtype);
        }
    for (int k = 0; k < kn; k++)
        for (int c = k < deep ? whole : 0; c < NR; c++)
            panel[k * NR + c] =
                c < cols ? weight_load(w, at + c * ld + k, dtype) : 0.0f;
}

/* A panel of weights as they lie (N,K).  The types are told apart outside of
 * the loops. */
void
pack(__local float *panel, __global const uchar *w, const size_t at,
     const size_t ld, const int cols, const int kn, const int dtype)
{
    if (dtype == DTYPE_F32)
        pack_rows_of(panel, w, at, ld, cols, kn, DTYPE_F32);
    else if (dtype == DTYPE_BF16)
        pack_rows_of(panel, w, at, ld, cols, kn, DTYPE_BF16);
    else
        pack_rows_of(panel, w, at, ld, cols, kn, DTYPE_F16);
}

/* Pack `cols` columns, kn deep, from element `at` on: how many panels. */
int
pack_step(__local float *panel, __global const uchar *b, const size_t at,
          const size_t ldb, const int cols, const int kn, const int dtype)
{
    for (int n = 0; n < cols; n += NR)
        pack(panel + n * KB, b, at + n * ldb, ldb, min(NR, cols - n), kn,
             dtype);
    return (cols + NR - 1) / NR;
}

/* Rows i .. i + MR of x, or of the rows it is gathered from, against `panels`
 * packed panels.  Rows beyond `last` repeat it: their sums are not used. */
void
tile_rows(__local float *c, __local const float *panel, const int panels,
          __global const float *x, const size_t ld, __global const int *gather,
          const int i, const int last, const int kn, const int add)
{
    __global const float *row[MR];
    for (int r = 0; r < MR; r++) {
        const int t = min(i + r, last);
        row[r] = x + (size_t)(gather ? gather[t] : t) * ld;
    }
    for (int p = 0; p < panels; p++)
        tile_in_place(c + p * NR, NB, row, panel + p * NR * KB, kn, add);
}

/* ---- Few rows ----------------------------------------------------------- */

vec
weight_vec(__global const uchar *w, const size_t i, const int dtype)
{
    if (dtype == DTYPE_F32)
        return LOAD(0, (__global const float *)w + i);
    if (dtype == DTYPE_BF16)
        return JOIN(as_float, VW)(
            JOIN(convert_uint, VW)(LOAD(0, (__global const ushort *)w + i))
            << 16);
    return JOIN(vload_half, VW)(0, (__global const half *)w + i);
}

/* The elements of a vector, added pairwise. */
float
vec_sum(const vec v)
{
    float x[VW];
    STORE(v, 0, x);
    for (int s = VW / 2; s > 0; s /= 2)
        for (int i = 0; i < s; i++)
            x[i] += x[i + s];
    return x[0];
}

/* c (DR, DC), rows NB apart: DR rows against weight rows `a` and `b`. */
void
dot_tile(__local float *c, __global const float *const *row,
         __global const uchar *w, const size_t a, const size_t b, const int K,
         const int dtype)
{
    vec sum[DR][DC];
    for (int i = 0; i < DR; i++)
        sum[i][0] = sum[i][1] = (vec)(0.0f);
    int k = 0;
    for (; k + VW <= K; k += VW) {
        const vec p = weight_vec(w, a + k, dtype);
        const vec q = weight_vec(w, b + k, dtype);
        _Pragma("unroll") for (int i = 0; i < DR; i++)
        {
            const vec x = LOAD(0, row[i] + k);
            sum[i][0] = x * p + sum[i][0];
            sum[i][1] = x * q + sum[i][1];
        }
    }
    float tail[DR][DC] = {{0.0f}};
    for (; k < K; k++)
        for (int i = 0; i < DR; i++) {
            tail[i][0] += row[i][k] * weight_load(w, a + k, dtype);
            tail[i][1] += row[i][k] * weight_load(w, b + k, dtype);
        }
    for (int i = 0; i < DR; i++) {
        c[i * NB] = vec_sum(sum[i][0]) + tail[i][0];
        c[i * NB + 1] = vec_sum(sum[i][1]) + tail[i][1];
    }
}

/* Rows i .. i + DR against `cols` rows of weights, read in place. */
void
dot_rows(__local float *c, __global const uchar *w, const size_t at,
         const size_t ldw, const int cols, __global const float *x,
         const size_t ld, __global const int *gather, const int i,
         const int last, const int K, const int dtype)
{
    __global const float *row[DR];
    for (int r = 0; r < DR; r++) {
        const int t = min(i + r, last);
        row[r] = x + (size_t)(gather ? gather[t] : t) * ld;
    }
    for (int j = 0; j < cols; j += DC) {
        const size_t a = at + j * ldw;
        const size_t b = at + min(j + 1, cols - 1) * ldw;
        if (dtype == DTYPE_F32)
            dot_tile(c + j, row, w, a, b, K, DTYPE_F32);
        else if (dtype == DTYPE_BF16)
            dot_tile(c + j, row, w, a, b, K, DTYPE_BF16);
        else
            dot_tile(c + j, row, w, a, b, K, DTYPE_F16);
    }
}

/* ---- Results ------------------------------------------------------------ */

/* 1 / (1 + e^-x). */
vec
vec_sigmoid(const vec x)
{
    const vec z = JOIN(exp_below, VW)(-fabs(x));
    return select((vec)(1.0f), z, x < 0.0f) / (1.0f + z);
}

/* out[r,j] = c[r,j] (+ out[r,j]) (+ bias[j]) for r < rows, j < cols. */
void
store_rows(__global float *out, const size_t ld, __local const float *c,
           const int rows, const int cols, __global const float *bias,
           const int accumulate)
{
    const int whole = cols / VW * VW;
    for (int r = 0; r < rows; r++) {
        __global float *o = out + r * ld;
        for (int j = 0; j < whole; j += VW) {
            vec v = LOAD(0, c + r * NB + j);
            if (bias)
                v += LOAD(0, bias + j);
            if (accumulate)
                v += LOAD(0, o + j);
            STORE(v, 0, o + j);
        }
        for (int j = whole; j < cols; j++)
            o[j] = c[r * NB + j] + (bias ? bias[j] : 0.0f) +
                   (accumulate ? o[j] : 0.0f);
    }
}
