/*
 * router.cl - probabilities of the experts and the choice of the best K.
 *
 * Math       probs[n,:]  = softmax(logits[n,:]), largest logit subtracted
 *            idx[n,:]    = the K largest of probs[n,:], descending; ties to
 *                          the lower index
 *            weight[n,k] = probs[n,idx[n,k]], over their sum when renorm
 *            A row with a NaN or +inf gets probs NaN, idx -1, weight 0; a row
 *            of -inf alone gets probs 0 and the first K experts.
 *            backward, with s the sum of the chosen p, w = weight:
 *            dp[e]   = sum_k (idx[k] = e) g[k] + balance[e]
 *            g[k]    = dweight[k], or (dweight[k] - sum_j dweight[j] w[j]) / s
 *                      when renorm and s > 0
 *            dlogits = p (dp - sum_e p dp) + 2 z lse p
 *            lse     = logits[e] - log p[e] for e = idx[0], 0 when p[e] is 0
 * Shapes     logits, dlogits, probs (N, E) f32   idx (N, K) i32
 *            weight, dweight (N, K) f32   balance (E) f32
 * Work       one group per token: global = N * WG, local = WG; 1 <= K <= E
 * Local      WG floats
 * Order      sum over experts as group_sum(); over the chosen in rank order
 * Reference  tests/ref/router.c; idx equal, else 1e-6; gradient abs 1e-6,
 *            rel 1e-5
 * Source     Muennighoff et al. 2024, arXiv:2409.02060, section 2
 */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
router_forward(__global float *probs, const ulong probs_at,   // (N, E) out
               __global int *idx, const ulong idx_at,         // (N, K) out
               __global float *weight, const ulong weight_at, // (N, K) out
               __global const float *logits, const ulong logits_at, // (N, E)
               const int E, const int K, const int renorm)
{
    __local float scratch[WG];
    const size_t n = get_group_id(0);
    const int l = get_local_id(0);
    __global const float *x = logits + logits_at + n * E;
    __global float *p = probs + probs_at + n * E;
    __global int *idx_n = idx + idx_at + n * K;
    __global float *weight_n = weight + weight_at + n * K;

    float top = -INFINITY;
    for (int e = l; e < E; e += WG)
        top = fmax(top, x[e]);
    top = group_max(top, scratch);
    top = top == -INFINITY ? 0.0f : top;
    float sum = 0.0f;
    for (int e = l; e < E; e += WG) {
        p[e] = exp(x[e] - top);
        sum += p[e];
    }
    sum = group_sum(sum, scratch);
    const int bad = isnan(sum);
    for (int e = l; e < E; e += WG)
        p[e] = bad ? NAN : sum > 0.0f ? p[e] / sum : 0.0f;
    barrier(CLK_GLOBAL_MEM_FENCE);

    // An expert's rank is the number of experts before it: no rounds, no ties.
    for (int e = l; e < E; e += WG) {
        const float p_e = p[e];
        int rank = 0;
        for (int j = 0; j < e; j++)
            rank += p[j] >= p_e;
        for (int j = e + 1; j < E; j++)
            rank += p[j] > p_e;
        if (!bad && rank < K) {
            idx_n[rank] = e;
            weight_n[rank] = p_e;
        }
    }
    for (int k = l; bad && k < K; k += WG) {
        idx_n[k] = -1;
        weight_n[k] = 0.0f;
    }
    barrier(CLK_GLOBAL_MEM_FENCE);

    float total = 0.0f;
    for (int k = 0; k < K; k++)
        total += weight_n[k];
    barrier(CLK_GLOBAL_MEM_FENCE);
    for (int k = l; renorm && total > 0.0f && k < K; k += WG)
        weight_n[k] /= total;
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
router_backward(__global float *dlogits, const ulong dlogits_at, // (N, E) out
                __global const float *dweight, const ulong dweight_at, // (N, K)
                __global const float *balance, const ulong balance_at, // (E)
                __global const float *logits, const ulong logits_at,   // (N, E)
                __global const float *probs, const ulong probs_at,     // (N, E)
                __global const int *idx, const ulong idx_at,           // (N, K)
                __global const float *weight, const ulong weight_at,   // (N, K)
                const float z, const int E, const int K, const int renorm,
                const int balanced)
{
    __local float scratch[WG];
    const size_t n = get_group_id(0);
    const int l = get_local_id(0);
    __global float *dx = dlogits + dlogits_at + n * E;
    __global const float *p = probs + probs_at + n * E;
    __global const int *idx_n = idx + idx_at + n * K;
    __global const float *dw = dweight + dweight_at + n * K;
    __global const float *w = weight + weight_at + n * K;
    balance += balance_at;

    // weight = p / s: dp = (dweight - mean of dweight under weight) / s.
    float s = 0.0f, mean = 0.0f;
    for (int k = 0; renorm && k < K; k++) {
        s += idx_n[k] < 0 ? 0.0f : p[idx_n[k]];
        mean += dw[k] * w[k];
    }
    const int divided = s > 0.0f;
    float dot_p = 0.0f;
    for (int e = l; e < E; e += WG) {
        float dp = balanced ? balance[e] : 0.0f;
        for (int k = 0; k < K; k++)
            if (idx_n[k] == e)
                dp += divided ? (dw[k] - mean) / s : dw[k];
        dx[e] = dp;
        dot_p += p[e] * dp;
    }
    dot_p = group_sum(dot_p, scratch);

    const int top = max(idx_n[0], 0);
    const float p_top = p[top];
    const float lse =
        p_top == 0.0f ? 0.0f : logits[logits_at + n * E + top] - log(p_top);
    const float shift = 2.0f * z * lse - dot_p;
    for (int e = l; e < E; e += WG)
        dx[e] = p[e] * (dx[e] + shift);
}
