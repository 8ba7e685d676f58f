/*
 * attention.cl - causal attention, one query row a group, and its gradients.
 *
 * Math       out[b,t,h,:] = sum_u p[u] v[b,u,g,:], u <= t, g = h / (H / G)
 *            p = softmax of x[u] = scale q[b,t,h,:] . k[b,u,g,:]
 *            lse[b,h,t]   = log sum_u exp(x[u])
 *            A row whose scores are all -inf gives zeros and lse -inf.
 *            attention_packed: row n sees rows key_row[n] - position[n] ..
 *            key_row[n] of k and v
 *            backward, with p[t,u] = exp(x[t,u] - lse[t]) again:
 *            delta[t] = dout[t,:] . out[t,:]
 *            ds[t,u]  = p[t,u] (dout[t,:] . v[u,:] - delta[t])
 *            dq[t,:]  = scale sum_u ds[t,u] k[u,:], u <= t
 *            dk[u,:]  = scale sum_t ds[t,u] q[t,:], t >= u, over the heads of
 *            dv[u,:]  = sum_t p[t,u] dout[t,:]       the group
 * Shapes     q, out, dq, dout (B, T, H, S)   k, v, dk, dv (B, T, G, S)
 *            lse, delta (B, H, T)   f32; packed: N rows for B T, R rows of
 *            keys, lse (H, N), key_row and position (N) i32
 * Work       one group per (b, t, h) or (n, h), per (b, u, g) for dk and dv:
 * global = B
 *            * T * H or G * WG, local = WG; attention_delta: items = B * T * H;
 *            H a multiple of G; any T, S >= 1
 * Local      2 WG floats
 * Order      forward and dq: keys in pieces of WG, ascending; dk and dv: query
 *            heads, then queries in pieces of WG, ascending
 * Reference  tests/ref/attention.c; forward abs 2e-5, rel 1e-5; backward abs
 *            5e-5, rel 1e-5
 * Source     Milakov and Gimelshein 2018, arXiv:1805.02867, for the running
 *            softmax; Dao et al. 2022, arXiv:2205.14135, for its gradient
 */
/* One query over keys 0 .. t, `step` apart; returns lse.  The row of out holds
 * the sum so far; item l owns s = l, l + WG, ... */
static float
attend(__global float *out, __global const float *q, __global const float *k,
       __global const float *v, const size_t t, const size_t step, const int S,
       const float scale, __local float *scratch, __local float *p)
{
    const int l = get_local_id(0);
    float top = -INFINITY, sum = 0.0f;
    for (int s = l; s < S; s += WG)
        out[s] = 0.0f;
    for (size_t first = 0; first <= t; first += WG) {
        const int n = min((size_t)WG, t + 1 - first);
        float x = -INFINITY;
        if (l < n) {
            __global const float *k_u = k + (first + l) * step;
            float dot_qk = 0.0f;
            for (int s = 0; s < S; s++)
                dot_qk += q[s] * k_u[s];
            x = scale * dot_qk;
        }
        const float new_top = fmax(top, group_max(x, scratch));
        const float base = new_top == -INFINITY ? 0.0f : new_top;
        const float keep = exp(top - base);
        p[l] = exp(x - base);
        sum = sum * keep + group_sum(p[l], scratch);
        top = new_top;
        for (int s = l; s < S; s += WG) {
            float y = out[s] * keep;
            for (int u = 0; u < n; u++)
                y += p[u] * v[(first + u) * step + s];
            out[s] = y;
        }
    }
    for (int s = l; s < S; s += WG)
        out[s] = sum == 0.0f ? 0.0f : out[s] / sum;
    return top + log(sum);
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
attention_forward(__global float *out, const ulong out_at,   // (B, T, H, S) out
                  __global float *lse, const ulong lse_at,   // (B, H, T) out
                  __global const float *q, const ulong q_at, // (B, T, H, S)
                  __global const float *k, const ulong k_at, // (B, T, G, S)
                  __global const float *v, const ulong v_at, // (B, T, G, S)
                  const int T, const int H, const int G, const int S,
                  const float scale)
{
    __local float scratch[WG];
    __local float p[WG];
    const size_t row = get_group_id(0);
    const size_t h = row % H, t = row / H % T, b = row / H / T;
    const size_t step = (size_t)G * S; // from a key to the next
    const size_t keys = b * T * step + h / (H / G) * S;
    const float lse_t =
        attend(out + out_at + row * S, q + q_at + row * S, k + k_at + keys,
               v + v_at + keys, t, step, S, scale, scratch, p);
    if (get_local_id(0) == 0)
        lse[lse_at + (b * H + h) * T + t] = lse_t;
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
attention_packed(__global float *out, const ulong out_at,   // (N, H, S) out
                 __global float *lse, const ulong lse_at,   // (H, N) out
                 __global const float *q, const ulong q_at, // (N, H, S)
                 __global const float *k, const ulong k_at, // (R, G, S)
                 __global const float *v, const ulong v_at, // (R, G, S)
                 __global const int *key_row, const ulong key_row_at,   // (N)
                 __global const int *position, const ulong position_at, // (N)
                 const int N, const int H, const int G, const int S,
                 const float scale)
{
    __local float scratch[WG];
    __local float p[WG];
    const size_t row = get_group_id(0);
    const size_t h = row % H, n = row / H;
    const size_t t = position[position_at + n];
    const size_t step = (size_t)G * S; // from a key to the next
    const size_t keys = (key_row[key_row_at + n] - t) * step + h / (H / G) * S;
    const float lse_n =
        attend(out + out_at + row * S, q + q_at + row * S, k + k_at + keys,
               v + v_at + keys, t, step, S, scale, scratch, p);
    if (get_local_id(0) == 0)
        lse[lse_at + h * N + n] = lse_n;
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
attention_delta(__global float *delta, const ulong delta_at, // (B, H, T) out
                __global const float *dout, const ulong dout_at, // as out
                __global const float *out, const ulong out_at,   // (B, T, H, S)
                const ulong rows, const int T, const int H, const int S)
{
    const size_t row = get_global_id(0);
    if (row >= rows)
        return;
    const size_t h = row % H, t = row / H % T, b = row / H / T;
    float sum = 0.0f;
    for (int s = 0; s < S; s++)
        sum += dout[dout_at + row * S + s] * out[out_at + row * S + s];
    delta[delta_at + (b * H + h) * T + t] = sum;
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
attention_dq(__global float *dq, const ulong dq_at, // (B, T, H, S) out
             __global const float *dout, const ulong dout_at,   // (B, T, H, S)
             __global const float *q, const ulong q_at,         // (B, T, H, S)
             __global const float *k, const ulong k_at,         // (B, T, G, S)
             __global const float *v, const ulong v_at,         // (B, T, G, S)
             __global const float *lse, const ulong lse_at,     // (B, H, T)
             __global const float *delta, const ulong delta_at, // (B, H, T)
             const int T, const int H, const int G, const int S,
             const float scale)
{
    __local float ds[WG];
    const int l = get_local_id(0);
    const size_t row = get_group_id(0);
    const size_t h = row % H, t = row / H % T, b = row / H / T;
    const size_t stat = (b * H + h) * T + t;
    const size_t step = (size_t)G * S; // from a key to the next
    const size_t keys = b * T * step + h / (H / G) * S;
    __global const float *q_t = q + q_at + row * S;
    __global const float *dout_t = dout + dout_at + row * S;
    __global const float *k_b = k + k_at + keys;
    __global const float *v_b = v + v_at + keys;
    __global float *dq_t = dq + dq_at + row * S;
    const float lse_t = lse[lse_at + stat], delta_t = delta[delta_at + stat];
    const float base = lse_t == -INFINITY ? 0.0f : lse_t;

    // The row of dq holds the sum so far; item l owns s = l, l + WG, ...
    for (int s = l; s < S; s += WG)
        dq_t[s] = 0.0f;
    for (size_t first = 0; first <= t; first += WG) {
        const int n = min((size_t)WG, t + 1 - first);
        if (l < n) {
            const size_t u = (first + l) * step;
            float x = 0.0f, dp = 0.0f;
            for (int s = 0; s < S; s++) {
                x += q_t[s] * k_b[u + s];
                dp += dout_t[s] * v_b[u + s];
            }
            ds[l] = scale * exp(scale * x - base) * (dp - delta_t);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int s = l; s < S; s += WG) {
            float y = dq_t[s];
            for (int u = 0; u < n; u++)
                y += ds[u] * k_b[(first + u) * step + s];
            dq_t[s] = y;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
attention_dkdv(__global float *dk, const ulong dk_at, // (B, T, G, S) out
               __global float *dv, const ulong dv_at, // (B, T, G, S) out
               __global const float *dout, const ulong dout_at, // as q
               __global const float *q, const ulong q_at,       // (B, T, H, S)
               __global const float *k, const ulong k_at,       // (B, T, G, S)
               __global const float *v, const ulong v_at,       // (B, T, G, S)
               __global const float *lse, const ulong lse_at,   // (B, H, T)
               __global const float *delta, const ulong delta_at, // (B, H, T)
               const int T, const int H, const int G, const int S,
               const float scale)
{
    __local float p[WG], ds[WG];
    const int l = get_local_id(0);
    const size_t row = get_group_id(0);
    const size_t g = row % G, u = row / G % T, b = row / G / T;
    const size_t step = (size_t)H * S; // from a query to the next
    __global const float *k_u = k + k_at + row * S;
    __global const float *v_u = v + v_at + row * S;
    __global float *dk_u = dk + dk_at + row * S;
    __global float *dv_u = dv + dv_at + row * S;

    for (int s = l; s < S; s += WG)
        dk_u[s] = dv_u[s] = 0.0f;
    for (size_t h = g * (H / G); h < (g + 1) * (H / G); h++) {
        __global const float *q_h = q + q_at + b * T * step + h * S;
        __global const float *dout_h = dout + dout_at + b * T * step + h * S;
        const size_t stat = (b * H + h) * T;
        for (size_t first = u; first < T; first += WG) {
            const int n = min((size_t)WG, T - first);
            if (l < n) {
                const size_t t = (first + l) * step;
                const float lse_t = lse[lse_at + stat + first + l];
                float x = 0.0f, dp = 0.0f;
                for (int s = 0; s < S; s++) {
                    x += q_h[t + s] * k_u[s];
                    dp += dout_h[t + s] * v_u[s];
                }
                p[l] = exp(scale * x - (lse_t == -INFINITY ? 0.0f : lse_t));
                ds[l] =
                    scale * p[l] * (dp - delta[delta_at + stat + first + l]);
            }
            barrier(CLK_LOCAL_MEM_FENCE);
            for (int s = l; s < S; s += WG) {
                float dk_s = dk_u[s], dv_s = dv_u[s];
                for (int i = 0; i < n; i++) {
                    dk_s += ds[i] * q_h[(first + i) * step + s];
                    dv_s += p[i] * dout_h[(first + i) * step + s];
                }
                dk_u[s] = dk_s;
                dv_u[s] = dv_s;
            }
            barrier(CLK_LOCAL_MEM_FENCE);
        }
    }
}
