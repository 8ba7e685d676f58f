/*
 * attention_cpu.cl - causal attention for the vector units of a CPU.
 *
 * A lane is a query row, so that softmax needs no sum over lanes, and the keys
 * of a piece lie in a private copy: rows a multiple of 4 KiB apart would share
 * a few sets of the cache.
 *
 * Math       as attention.cl
 * Shapes     as attention.cl; S even and known to the compiler
 * Work       one item per block of QUERIES query rows of one (b, h): global =
 *            ceil(T / QUERIES) x B H, local = 1
 * Local      none; private 2 S (KEYS + QUERIES) floats and the scores
 * Order      keys in pieces of KEYS with a running maximum, pieces ascending
 * Reference  tests/ref/attention.c, ref_attention_forward(); abs 2e-5, rel 1e-5
 * Source     Dao 2023, arXiv:2307.08691, for the order of the loops
 */
#ifndef VW
#define VW 8 // floats in a vector register
#endif
#ifndef S
#define S 64 // head size
#endif
#define ROWS    (2 * VW)        // query rows side by side in two vectors
#define QUERIES (BLOCKS * ROWS) // of an item: they share a copy of the keys
#define BLOCKS  2
#define KEYS    48 // of a piece; a multiple of TILE
#define TILE    6 // keys at once: 12 sums, 2 loads, 1 broadcast in 16 registers
#define WIDTH   (S % 4 ? 2 : 4) // elements of v at once

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define VF          JOIN(float, VW)
#define VI          JOIN(int, VW)
#define EXP         JOIN(exp_below, VW)
#define VLOAD       JOIN(vload, VW)
#define VSTORE      JOIN(vstore, VW)

/* Query rows of one block: what is needed to go on with the next keys. */
struct rows {
    VF q[S][2];   // scaled
    VF sum[S][2]; // of p v
    VF top[2], total[2];
};

static void
rows_begin(struct rows *r, __global const float *q, const int n,
           const size_t step, const float scale)
{
    float *x = (float *)r->q;
    for (int i = 0; i < ROWS; i++)
        for (int s = 0; s < S; s++)
            x[s * ROWS + i] = i < n ? scale * q[i * step + s] : 0.0f;
    for (int s = 0; s < S; s++)
        r->sum[s][0] = r->sum[s][1] = 0.0f;
    r->top[0] = r->top[1] = -INFINITY;
    r->total[0] = r->total[1] = 0.0f;
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

/* x[u] = q . k[u] for n keys, rounded up to TILE. */
static void
scores(VF (*x)[2], const struct rows *r, const float *k, const int n)
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
                sum[i][0] += r->q[s][0] * k_s;
                sum[i][1] += r->q[s][1] * k_s;
            }
        }
#pragma unroll
        for (int i = 0; i < TILE; i++) {
            x[u + i][0] = sum[i][0];
            x[u + i][1] = sum[i][1];
        }
    }
}

/* Row i of the block sees keys u <= after + i. */
static void
hide_later(VF (*x)[2], const int n, const int after)
{
    for (int u = 0; u < n; u++) {
        int last[ROWS];
        for (int i = 0; i < ROWS; i++)
            last[i] = after + i;
        x[u][0] = u > VLOAD(0, last) ? (VF)(-INFINITY) : x[u][0];
        x[u][1] = u > VLOAD(0, last + VW) ? (VF)(-INFINITY) : x[u][1];
    }
}

/* Scores become weights; keep is what earlier sums must be scaled by. */
static void
weights(VF (*x)[2], VF *keep, struct rows *r, const int n)
{
    for (int j = 0; j < 2; j++) {
        VF top = r->top[j];
        for (int u = 0; u < n; u++)
            top = x[u][j] > top ? x[u][j] : top;
        const VF base = top == -INFINITY ? (VF)0.0f : top;
        keep[j] = EXP(r->top[j] - base);
        VF total = r->total[j] * keep[j];
        for (int u = 0; u < n; u++) {
            x[u][j] = EXP(x[u][j] - base);
            total += x[u][j];
        }
        r->top[j] = top;
        r->total[j] = total;
    }
}

/* sum = keep sum + sum_u p[u] v[u] over n keys; row i of the block sees keys
 * u <= after + i, and no NaN of a later one. */
static void
add_values(struct rows *r, const VF (*p)[2], const VF *keep, const float *v,
           const int n, const int after)
{
    const int seen = min(n, after + 1); // by every row
    int row[ROWS];
    for (int i = 0; i < ROWS; i++)
        row[i] = i;
    const VI row0 = VLOAD(0, row), row1 = VLOAD(0, row + VW);
    for (int s = 0; s < S; s += WIDTH) {
        VF sum[WIDTH][2];
#pragma unroll
        for (int i = 0; i < WIDTH; i++) {
            sum[i][0] = r->sum[s + i][0] * keep[0];
            sum[i][1] = r->sum[s + i][1] * keep[1];
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
            r->sum[s + i][0] = sum[i][0];
            r->sum[s + i][1] = sum[i][1];
        }
    }
}

static void
rows_end(__global float *out, __global float *lse, const struct rows *r,
         const int n, const size_t step)
{
    const float *sum = (const float *)r->sum;
    const float *total = (const float *)r->total;
    const float *top = (const float *)r->top;
    for (int i = 0; i < n; i++) {
        const float d = total[i] == 0.0f ? 1.0f : total[i];
        for (int s = 0; s < S; s++)
            out[i * step + s] = sum[s * ROWS + i] / d;
        lse[i] = top[i] + log(total[i]);
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
attention_forward_cpu(__global float *out, const ulong out_at,   // (B, T, H, S)
                      __global float *lse, const ulong lse_at,   // (B, H, T)
                      __global const float *q, const ulong q_at, // (B, T, H, S)
                      __global const float *k, const ulong k_at, // (B, T, G, S)
                      __global const float *v, const ulong v_at, // (B, T, G, S)
                      const int T, const int H, const int G, const float scale)
{
    const int first = get_group_id(0) * QUERIES;
    const size_t h = get_group_id(1) % H, b = get_group_id(1) / H;
    const size_t step = (size_t)H * S, key_step = (size_t)G * S;
    const size_t row = ((b * T + first) * H + h) * S;
    const size_t keys = (b * T * G + h / (H / G)) * S;
    struct rows r[BLOCKS];
    float k_copy[KEYS * S], v_copy[KEYS * S];
    VF p[KEYS][2], keep[2];
    q += q_at + row;
    k += k_at + keys;
    v += v_at + keys;

    for (int i = 0; i < BLOCKS; i++)
        rows_begin(&r[i], q + i * ROWS * step, T - first - i * ROWS, step,
                   scale);
    const int end = min(T, first + QUERIES);
    for (int u = 0; u < end; u += KEYS) {
        const int n = min(KEYS, end - u);
        copy_rows(k_copy, k + u * key_step, n, key_step);
        copy_rows(v_copy, v + u * key_step, n, key_step);
        for (int i = 0; i < BLOCKS; i++) {
            // Keys up to the block's last row, and those after its first one.
            const int t = first + i * ROWS - u;
            const int m = min(n, t + ROWS);
            if (m <= 0 || first + i * ROWS >= T)
                continue;
            scores(p, &r[i], k_copy, m);
            if (t < m)
                hide_later(p, m, t);
            weights(p, keep, &r[i], m);
            add_values(&r[i], p, keep, v_copy, m, t);
        }
    }
    for (int i = 0; i < BLOCKS; i++)
        rows_end(out + out_at + row + i * ROWS * step,
                 lse + lse_at + (b * H + h) * T + first + i * ROWS, &r[i],
                 min(ROWS, T - first - i * ROWS), step);
}
