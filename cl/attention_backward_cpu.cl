/*
 * attention_backward_cpu.cl - the gradients of causal attention for the vector
 * units of a CPU.
 *
 * Once a lane is a query row and the keys of a piece are taken one by one, for
 * dq; once a lane is a key row and the queries are taken one by one, for dk and
 * dv.  Scores are computed in both, which costs less than sums over lanes or
 * items would.
 *
 * Math       as attention.cl; a NaN or infinity may also reach the gradients of
 *            other rows of its block
 * Shapes     as attention.cl; S even and known to the compiler
 * Work       one item per block of BLOCKS ROWS rows of one (b, h) for dq, of
 *            one (b, g) for dk and dv: global = ceil(T / (BLOCKS ROWS)) x B H
 *            or B G, local = 1
 * Local      none; private 2 S (KEYS + 2 BLOCKS ROWS) floats and the scores
 * Order      keys, or query heads and then queries, ascending
 * Reference  tests/ref/attention.c, ref_attention_backward(); abs 5e-5, rel
 *            1e-5
 * Source     Dao 2023, arXiv:2307.08691, section 3.1
 */

/* Rows of one block: query and dout, or key and value. */
struct rows {
    VF x[S][2], y[S][2]; // query or key, scaled; dout or value
    VF dx[S][2], dy[S][2];
};

static void
rows_begin(struct rows *r, __global const float *x, __global const float *y,
           const int n, const size_t step, const float scale)
{
    spread_rows(r->x, x, n, step, scale);
    spread_rows(r->y, y, n, step, 1.0f);
    for (int s = 0; s < S; s++)
        r->dx[s][0] = r->dx[s][1] = r->dy[s][0] = r->dy[s][1] = 0.0f;
}

/* n lanes, times scale, as rows `step` apart. */
static void
store_rows(__global float *out, const VF (*in)[2], const int n,
           const size_t step, const float scale)
{
    const float *x = (const float *)in;
    for (int i = 0; i < n; i++)
        for (int s = 0; s < S; s++)
            out[i * step + s] = scale * x[s * ROWS + i];
}

/* n numbers as lanes, zeros in the others; the lse of a row without any key,
 * whose scores are all -inf, as 0. */
static void
spread(VF *out, __global const float *in, const int n)
{
    float *x = (float *)out;
    for (int i = 0; i < ROWS; i++)
        x[i] = i < n && in[i] != -INFINITY ? in[i] : 0.0f;
}

/* p: a score becomes exp(p - lse); ds: dout . v becomes p (dout . v - delta).
 */
static void
weigh(VF *p, VF *ds, const VF lse, const VF delta)
{
    *p = EXP(*p - lse);
    *ds = *p * (*ds - delta);
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
attention_dq_cpu(__global float *dq, const ulong dq_at, // (B, T, H, S)
                 __global const float *dout,
                 const ulong dout_at,                           // (B, T, H, S)
                 __global const float *q, const ulong q_at,     // (B, T, H, S)
                 __global const float *k, const ulong k_at,     // (B, T, G, S)
                 __global const float *v, const ulong v_at,     // (B, T, G, S)
                 __global const float *lse, const ulong lse_at, // (B, H, T)
                 __global const float *delta, const ulong delta_at, // (B, H, T)
                 const int T, const int H, const int G, const float scale)
{
    const int first = get_group_id(0) * BLOCKS * ROWS;
    const size_t h = get_group_id(1) % H, b = get_group_id(1) / H;
    const size_t step = (size_t)H * S, key_step = (size_t)G * S;
    const size_t row = ((b * T + first) * H + h) * S;
    const size_t keys = (b * T * G + h / (H / G)) * S;
    const size_t stat = (b * H + h) * T + first;
    const VF keep[2] = {1.0f, 1.0f};
    struct rows r[BLOCKS];
    VF lse_r[BLOCKS][2], delta_r[BLOCKS][2];
    VF p[KEYS][2], ds[KEYS][2];
    float k_copy[KEYS * S], v_copy[KEYS * S];
    k += k_at + keys;
    v += v_at + keys;

    for (int i = 0; i < BLOCKS; i++) {
        const int n = T - first - i * ROWS;
        const size_t at = row + i * ROWS * step;
        rows_begin(&r[i], q + q_at + at, dout + dout_at + at, n, step, scale);
        spread(lse_r[i], lse + lse_at + stat + i * ROWS, n);
        spread(delta_r[i], delta + delta_at + stat + i * ROWS, n);
    }
    const int end = min(T, first + BLOCKS * ROWS);
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
            scores(p, (const VF(*)[2])r[i].x, k_copy, m);
            scores(ds, (const VF(*)[2])r[i].y, v_copy, m);
            if (t < m)
                hide(p, m, t, 0);
            for (int j = 0; j < m; j++) {
                weigh(&p[j][0], &ds[j][0], lse_r[i][0], delta_r[i][0]);
                weigh(&p[j][1], &ds[j][1], lse_r[i][1], delta_r[i][1]);
            }
            add_rows(r[i].dx, (const VF(*)[2])ds, keep, k_copy, m, m);
        }
    }
    for (int i = 0; i < BLOCKS; i++)
        store_rows(dq + dq_at + row + i * ROWS * step, (const VF(*)[2])r[i].dx,
                   min(ROWS, T - first - i * ROWS), step, scale);
}

/* What n queries of one head, from t on, add to the keys and values of a block
 * whose first key is `first`. */
static void
add_queries(struct rows *r, const float *q, const float *dout,
            __global const float *lse, __global const float *delta, const int n,
            const int t, const int first)
{
    const VF keep[2] = {1.0f, 1.0f};
    VF p[KEYS][2], ds[KEYS][2];
    scores(p, (const VF(*)[2])r->x, q, n);
    scores(ds, (const VF(*)[2])r->y, dout, n);
    if (t < first + ROWS)
        hide(p, n, first - t, 1);
    for (int u = 0; u < n; u++) {
        const VF lse_u = lse[t + u] == -INFINITY ? 0.0f : lse[t + u];
        const VF delta_u = delta[t + u];
        weigh(&p[u][0], &ds[u][0], lse_u, delta_u);
        weigh(&p[u][1], &ds[u][1], lse_u, delta_u);
    }
    add_rows(r->dx, (const VF(*)[2])ds, keep, q, n, n);
    add_rows(r->dy, (const VF(*)[2])p, keep, dout, n, n);
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
attention_dkdv_cpu(__global float *dk, const ulong dk_at, // (B, T, G, S) out
                   __global float *dv, const ulong dv_at, // (B, T, G, S) out
                   __global const float *dout, const ulong dout_at, // as q
                   __global const float *q, const ulong q_at, // (B, T, H, S)
                   __global const float *k, const ulong k_at, // (B, T, G, S)
                   __global const float *v, const ulong v_at, // (B, T, G, S)
                   __global const float *lse, const ulong lse_at, // (B, H, T)
                   __global const float *delta, const ulong delta_at, // as lse
                   const int T, const int H, const int G, const float scale)
{
    const int first = get_group_id(0) * BLOCKS * ROWS;
    const size_t g = get_group_id(1) % G, b = get_group_id(1) / G;
    const size_t step = (size_t)H * S, key_step = (size_t)G * S;
    const size_t keys = ((b * T + first) * G + g) * S;
    struct rows r[BLOCKS];
    float q_copy[KEYS * S], dout_copy[KEYS * S];

    for (int i = 0; i < BLOCKS; i++)
        rows_begin(&r[i], k + k_at + keys + i * ROWS * key_step,
                   v + v_at + keys + i * ROWS * key_step, T - first - i * ROWS,
                   key_step, scale);
    for (size_t h = g * (H / G); h < (g + 1) * (H / G); h++) {
        const size_t head = (b * T * H + h) * S, stat = (b * H + h) * T;
        for (int t = first; t < T; t += KEYS) {
            const int n = min(KEYS, T - t);
            copy_rows(q_copy, q + q_at + head + t * step, n, step);
            copy_rows(dout_copy, dout + dout_at + head + t * step, n, step);
            for (int i = 0; i < BLOCKS; i++)
                if (first + i * ROWS < min(T, t + n))
                    add_queries(&r[i], q_copy, dout_copy, lse + lse_at + stat,
                                delta + delta_at + stat, n, t,
                                first + i * ROWS);
        }
    }
    for (int i = 0; i < BLOCKS; i++) {
        const int n = min(ROWS, T - first - i * ROWS);
        const size_t at = keys + i * ROWS * key_step;
        store_rows(dk + dk_at + at, (const VF(*)[2])r[i].dx, n, key_step,
                   scale);
        store_rows(dv + dv_at + at, (const VF(*)[2])r[i].dy, n, key_step, 1.0f);
    }
}
