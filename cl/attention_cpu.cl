/*
 * attention_cpu.cl - causal attention for the vector units of a CPU.
 *
 * A lane is a query row, so that softmax needs no sum over lanes.
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
#define QUERIES (BLOCKS * ROWS) // of an item: they share a copy of the keys

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
            scores(p, (const VF(*)[2])r[i].q, k_copy, m);
            if (t < m)
                hide(p, m, t, 0);
            weights(p, keep, &r[i], m);
            add_rows(r[i].sum, (const VF(*)[2])p, keep, v_copy, m, t);
        }
    }
    for (int i = 0; i < BLOCKS; i++)
        rows_end(out + out_at + row + i * ROWS * step,
                 lse + lse_at + (b * H + h) * T + first + i * ROWS, &r[i],
                 min(ROWS, T - first - i * ROWS), step);
}
