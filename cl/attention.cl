/*
 * attention.cl - causal attention, one query row a group.
 *
 * Math       out[b,t,h,:] = sum_u p[u] v[b,u,g,:], u <= t, g = h / (H / G)
 *            p = softmax of x[u] = scale q[b,t,h,:] . k[b,u,g,:]
 *            lse[b,h,t]   = log sum_u exp(x[u])
 *            A row whose scores are all -inf gives zeros and lse -inf.
 * Shapes     q, out (B, T, H, S)   k, v (B, T, G, S)   lse (B, H, T)   f32
 * Work       one group per (b, t, h): global = B * T * H * WG, local = WG; H a
 *            multiple of G; any T, S >= 1
 * Local      2 WG floats
 * Order      keys in pieces of WG with a running maximum, pieces ascending
 * Reference  tests/ref/attention.c, ref_attention_forward(); abs 2e-5, rel 1e-5
 * Source     Milakov and Gimelshein 2018, arXiv:1805.02867, for the running
 *            softmax
 */
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
    const int l = get_local_id(0);
    const size_t row = get_group_id(0);
    const size_t h = row % H, t = row / H % T, b = row / H / T;
    const size_t step = (size_t)G * S; // from a key to the next
    const size_t keys = b * T * step + h / (H / G) * S;
    __global const float *q_t = q + q_at + row * S;
    __global const float *k_b = k + k_at + keys;
    __global const float *v_b = v + v_at + keys;
    __global float *out_t = out + out_at + row * S;

    // The row of out holds the sum so far; item l owns s = l, l + WG, ...
    float top = -INFINITY, sum = 0.0f;
    for (int s = l; s < S; s += WG)
        out_t[s] = 0.0f;
    for (size_t first = 0; first <= t; first += WG) {
        const int n = min((size_t)WG, t + 1 - first);
        float x = -INFINITY;
        if (l < n) {
            __global const float *k_u = k_b + (first + l) * step;
            float dot_qk = 0.0f;
            for (int s = 0; s < S; s++)
                dot_qk += q_t[s] * k_u[s];
            x = scale * dot_qk;
        }
        const float new_top = fmax(top, group_max(x, scratch));
        const float base = new_top == -INFINITY ? 0.0f : new_top;
        const float keep = exp(top - base);
        p[l] = exp(x - base);
        sum = sum * keep + group_sum(p[l], scratch);
        top = new_top;
        for (int s = l; s < S; s += WG) {
            float y = out_t[s] * keep;
            for (int u = 0; u < n; u++)
                y += p[u] * v_b[(first + u) * step + s];
            out_t[s] = y;
        }
    }
    for (int s = l; s < S; s += WG)
        out_t[s] = sum == 0.0f ? 0.0f : out_t[s] / sum;
    if (l == 0)
        lse[lse_at + (b * H + h) * T + t] = top + log(sum);
}
