/*
 * attention_cpu.cl - causal attention for the vector units of a CPU.
 *
 * A lane is a query row, so that softmax needs no sum over lanes.
 *
 * Math       as attention.cl
 * Shapes     as attention.cl; S even and known to the compiler
 * Work       one item per block of QUERIES query rows of one (b, h): global =
 *            ceil(T / QUERIES) x B H, local = 1; packed: M tiles x H, one
 *            of a single row with lanes along s
 * Local      none; private 2 S (KEYS + QUERIES) floats and the scores
 * Order      keys in pieces of KEYS with a running maximum, pieces ascending
 * Reference  tests/ref/attention.c, ref_attention_forward(); abs 2e-5, rel 1e-5
 * Source     Dao 2023, arXiv:2307.08691, for the order of the loops
 */
#define QUERIES  (BLOCKS * ROWS) // of an item: they share a copy of the keys
#define ONE_TILE 8               // keys at once of a single query row
#define LINE     16              // floats of a line of the cache

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
    spread_rows(r->q, q, n, step, scale);
    for (int s = 0; s < S; s++)
        r->sum[s][0] = r->sum[s][1] = 0.0f;
    r->top[0] = r->top[1] = -INFINITY;
    r->total[0] = r->total[1] = 0.0f;
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

/* Up to QUERIES of n query rows, `step` apart, the first one at position
 * `past` of its sequence; keys and values from position 0 on, key_step apart.
 */
static void
attend(__global float *out, __global float *lse, __global const float *q,
       __global const float *k, __global const float *v, const int n,
       const int past, const size_t step, const size_t key_step,
       const float scale)
{
    struct rows r[BLOCKS];
    float k_copy[KEYS * S], v_copy[KEYS * S];
    VF p[KEYS][2], keep[2];
    for (int i = 0; i < BLOCKS; i++)
        rows_begin(&r[i], q + i * ROWS * step, n - i * ROWS, step, scale);
    const int end = past + min(n, QUERIES);
    for (int u = 0; u < end; u += KEYS) {
        const int keys = min(KEYS, end - u);
        copy_rows(k_copy, k + u * key_step, keys, key_step);
        copy_rows(v_copy, v + u * key_step, keys, key_step);
        for (int i = 0; i < BLOCKS; i++) {
            // Keys up to the block's last row, and those after its first one.
            const int t = past + i * ROWS - u;
            const int m = min(keys, t + ROWS);
            if (m <= 0 || i * ROWS >= n)
                continue;
            scores(p, (const VF(*)[2])r[i].q, k_copy, m);
            if (t < m)
                hide(p, m, t, 0);
            weights(p, keep, &r[i], m);
            add_rows(r[i].sum, (const VF(*)[2])p, keep, v_copy, m, t);
        }
    }
    for (int i = 0; i < BLOCKS; i++)
        rows_end(out + i * ROWS * step, lse + i * ROWS, &r[i],
                 min(ROWS, n - i * ROWS), step);
}

/* x[u] = q . k[u] for n rows, `step` apart: sums side by side, each with s
 * ascending, as scores() makes them of a lane. */
static void
scores_one(float *x, const float *q, __global const float *k, const int n,
           const size_t step)
{
    int u = 0;
    for (; u + ONE_TILE <= n; u += ONE_TILE) {
        float sum[ONE_TILE];
#pragma unroll
        for (int i = 0; i < ONE_TILE; i++)
            sum[i] = 0.0f;
        for (int s = 0; s < S; s++) {
#pragma unroll
            for (int i = 0; i < ONE_TILE; i++)
                sum[i] += q[s] * k[(u + i) * step + s];
        }
#pragma unroll
        for (int i = 0; i < ONE_TILE; i++)
            x[u + i] = sum[i];
    }
    for (; u < n; u++) {
        float sum = 0.0f;
        for (int s = 0; s < S; s++)
            sum += q[s] * k[u * step + s];
        x[u] = sum;
    }
}

/* total[s] = keep total[s] + sum_u p[u] v[u,s]: lanes are s, as many as there
 * are whole vectors of. */
static void
add_one(float *total, const float *p, const float keep, __global const float *v,
        const int n, const size_t step)
{
    int s = 0;
    for (; s + VW <= S; s += VW) {
        VF sum = VLOAD(0, total + s) * keep;
        for (int u = 0; u < n; u++)
            sum += p[u] * VLOAD(0, v + u * step + s);
        VSTORE(sum, 0, total + s);
    }
    for (; s < S; s++) {
        float sum = total[s] * keep;
        for (int u = 0; u < n; u++)
            sum += p[u] * v[u * step + s];
        total[s] = sum;
    }
}

/* n rows will be needed: no processor foresees strides of a page. */
static void
fetch_rows(__global const float *x, const int n, const size_t step)
{
    for (int u = 0; u < n; u++)
        for (int s = 0; s < S; s += LINE)
            FETCH(x + u * step + s);
}

/* attend() for one query row, with the same bits: its tile would be one lane
 * in ROWS. */
static void
attend_one(__global float *out, __global float *lse, __global const float *q,
           __global const float *k, __global const float *v, const int past,
           const size_t key_step, const float scale)
{
    float q_copy[S], sum[S], p[KEYS], top = -INFINITY, total = 0.0f;
    for (int s = 0; s < S; s++) {
        q_copy[s] = scale * q[s];
        sum[s] = 0.0f;
    }
    for (int u = 0; u <= past; u += KEYS) {
        const int n = min(KEYS, past + 1 - u);
        const float before = top;
        const int next = min(KEYS, past + 1 - u - n);
        fetch_rows(k + (u + n) * key_step, next, key_step);
        scores_one(p, q_copy, k + u * key_step, n, key_step);
        for (int i = 0; i < n; i++)
            top = p[i] > top ? p[i] : top;
        for (int i = n; i < KEYS; i++)
            p[i] = 0.0f;
        const float base = top == -INFINITY ? 0.0f : top;
        const float keep = EXP((VF)(before - base)).s0;
        for (int i = 0; i < KEYS; i += VW)
            VSTORE(EXP(VLOAD(0, p + i) - base), 0, p + i);
        fetch_rows(v + (u + n) * key_step, next, key_step);
        total = total * keep;
        for (int i = 0; i < n; i++)
            total += p[i];
        add_one(sum, p, keep, v + u * key_step, n, key_step);
    }
    const float d = total == 0.0f ? 1.0f : total;
    for (int s = 0; s < S; s++)
        out[s] = sum[s] / d;
    *lse = top + log(total);
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
    const size_t row = ((b * T + first) * H + h) * S;
    const size_t keys = (b * T * G + h / (H / G)) * S;
    attend(out + out_at + row, lse + lse_at + (b * H + h) * T + first,
           q + q_at + row, k + k_at + keys, v + v_at + keys, T - first, first,
           (size_t)H * S, (size_t)G * S, scale);
}

/* A tile is rows first, first + 1, ... of one sequence: (first, how many, row
 * of the sequence's first key, position of the first row). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
attention_packed_cpu(__global float *out, const ulong out_at,       // (N, H, S)
                     __global float *lse, const ulong lse_at,       // (H, N)
                     __global const float *q, const ulong q_at,     // (N, H, S)
                     __global const float *k, const ulong k_at,     // (R, G, S)
                     __global const float *v, const ulong v_at,     // (R, G, S)
                     __global const int *tile, const ulong tile_at, // (M, 4)
                     const int N, const int H, const int G, const float scale)
{
    __global const int *m = tile + tile_at + 4 * get_group_id(0);
    const size_t h = get_group_id(1), first = m[0];
    const size_t row = (first * H + h) * S;
    const size_t keys = ((size_t)m[2] * G + h / (H / G)) * S;
    out += out_at + row;
    lse += lse_at + h * N + first;
    q += q_at + row;
    k += k_at + keys;
    v += v_at + keys;
    if (m[1] == 1)
        attend_one(out, lse, q, k, v, m[3], (size_t)G * S, scale);
    else
        attend(out, lse, q, k, v, m[1], m[3], (size_t)H * S, (size_t)G * S,
               scale);
}
