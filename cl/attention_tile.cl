/*
 * attention_tile.cl - the products of attention's CPU kernels.
 *
 * A lane is a row of one side, query or key, spread over vectors so that s is
 * the outer index; the rows of the other side are taken one by one.  A piece of
 * these lies in a private copy: rows a multiple of 4 KiB apart would share a
 * few sets of the cache.
 *
 * Math       scores    x[u][i] = q[i,:] . k[u,:]
 *            add_rows  total[s][i] = keep[i] total[s][i] + sum_u p[u][i] v[u,s]
 * Shapes     lanes i < ROWS, in two vectors; S even and known to the compiler
 * Work       called by kernels of one work-item a group
 * Local      none; private memory of the kernel
 * Order      s ascending; u ascending
 * Reference  tests/ref/attention.c
 * Source     Dao 2023, arXiv:2307.08691, for the order of the loops
 */
#ifndef VW
#define VW 8 // floats in a vector register
#endif
#ifndef S
#define S 64 // head size
#endif
#ifndef BLOCKS
#define BLOCKS 2 // of ROWS rows that an item takes
#endif
#define ROWS  (2 * VW) // rows side by side in two vectors
#define KEYS  48       // rows of a piece; a multiple of TILE
#define TILE  6 // rows at once: 12 sums, 2 loads, 1 broadcast in 16 registers
#define WIDTH (S % 4 ? 2 : 4) // elements of v at once

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define VF          JOIN(float, VW)
#define VI          JOIN(int, VW)
#define EXP         JOIN(exp_below, VW)
#define VLOAD       JOIN(vload, VW)
#define VSTORE      JOIN(vstore, VW)

/* n rows, `step` apart and times scale, as lanes; zeros in the other lanes. */
static void
spread_rows(VF (*out)[2], __global const float *in, const int n,
            const size_t step, const float scale)
{
    float *x = (float *)out;
    for (int i = 0; i < ROWS; i++)
        for (int s = 0; s < S; s++)
            x[s * ROWS + i] = i < n ? scale * in[i * step + s] : 0.0f;
}

/* n rows, `step` apart, side by side; zeros up to a multiple of TILE. */
static void
copy_rows(float *out, __global const float *in, const int n, const size_t step)
{
    for (int u = 0; u < n; u++) {
        int s = 0;
        for (; s + VW <= S; s += VW)
            VSTORE(VLOAD(0, in + u * step + s), 0, out + u * S + s);
        for (; s < S; s++)
            out[u * S + s] = in[u * step + s];
    }
    for (int i = n * S; i < (n + TILE - 1) / TILE * TILE * S; i++)
        out[i] = 0.0f;
}

/* x[u] = q . k[u] for n rows, rounded up to TILE. */
static void
scores(VF (*x)[2], const VF (*q)[2], const float *k, const int n)
{
    for (int u = 0; u < n; u += TILE) {
        VF sum[TILE][2];
#pragma unroll
        for (int i = 0; i < TILE; i++)
            sum[i][0] = sum[i][1] = 0.0f;
        for (int s = 0; s < S; s++) {
#pragma unroll
            for (int i = 0; i < TILE; i++) {
                const float k_s = k[(u + i) * S + s];
                sum[i][0] += q[s][0] * k_s;
                sum[i][1] += q[s][1] * k_s;
            }
        }
#pragma unroll
        for (int i = 0; i < TILE; i++) {
            x[u + i][0] = sum[i][0];
            x[u + i][1] = sum[i][1];
        }
    }
}

/* Lane i takes no part in row u > after + i, or, with `before`, u < after + i.
 */
static void
hide(VF (*x)[2], const int n, const int after, const int before)
{
    int lane[ROWS];
    for (int i = 0; i < ROWS; i++)
        lane[i] = after + i;
    for (int j = 0; j < 2; j++) {
        const VI edge = VLOAD(j, lane);
        for (int u = 0; u < n; u++) {
            const VI out = before ? (VI)u < edge : (VI)u > edge;
            x[u][j] = out ? (VF)(-INFINITY) : x[u][j];
        }
    }
}

/* total = keep total + sum_u p[u] v[u] over n rows; lane i sees rows u <=
 * after + i, and no NaN of a later one. */
static void
add_rows(VF (*total)[2], const VF (*p)[2], const VF *keep, const float *v,
         const int n, const int after)
{
    const int seen = max(0, min(n, after + 1)); // by every row
    int row[ROWS];
    for (int i = 0; i < ROWS; i++)
        row[i] = i;
    const VI row0 = VLOAD(0, row), row1 = VLOAD(0, row + VW);
    for (int s = 0; s < S; s += WIDTH) {
        VF sum[WIDTH][2];
#pragma unroll
        for (int i = 0; i < WIDTH; i++) {
            sum[i][0] = total[s + i][0] * keep[0];
            sum[i][1] = total[s + i][1] * keep[1];
        }
        for (int u = 0; u < seen; u++) {
#pragma unroll
            for (int i = 0; i < WIDTH; i++) {
                sum[i][0] += p[u][0] * v[u * S + s + i];
                sum[i][1] += p[u][1] * v[u * S + s + i];
            }
        }
        for (int u = seen; u < n; u++) {
            const VI see0 = row0 >= u - after, see1 = row1 >= u - after;
#pragma unroll
            for (int i = 0; i < WIDTH; i++) {
                const VF v_u = v[u * S + s + i];
                sum[i][0] += p[u][0] * (see0 ? v_u : (VF)0.0f);
                sum[i][1] += p[u][1] * (see1 ? v_u : (VF)0.0f);
            }
        }
#pragma unroll
        for (int i = 0; i < WIDTH; i++) {
            total[s + i][0] = sum[i][0];
            total[s + i][1] = sum[i][1];
        }
    }
}
