/*
 * xent.cl - negative log-likelihood of the target of each row, and its
 * gradient in the place of the logits.
 *
 * Math       nll[n] = log sum_v exp(logits[n,v]) - logits[n,target[n]], the
 *            largest logit subtracted; 0 where target is negative or every
 *            logit is -inf
 *            dlogits[n,v] = scale (exp(logits[n,v]) / sum - (v = target[n])),
 *            a zero row where nll is 0 for one of these reasons
 * Shapes     logits (N, V) f32   target (N) i32   nll (N) f32
 * Work       one group per row: global = N * WG, local = WG; any V >= 1
 * Local      WG floats
 * Order      each item sums `each` eights, `along` apart, from its first one,
 *            `across` from that of the next item; then the tree of group_sum()
 * Reference  tests/ref/xent.c; nll abs 1e-5, rel 1e-5; gradient abs 1e-6
 *            scale, rel 1e-5
 * Source     cross-entropy of a softmax
 */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
xent_forward(__global float *nll, const ulong nll_at,             // (N) out
             __global const float *logits, const ulong logits_at, // (N, V) in
             __global const int *target, const ulong target_at,   // (N) in
             const int V, const int each, const int across, const int along)
{
    __local float scratch[WG];
    const size_t n = get_group_id(0);
    const int l = get_local_id(0);
    const int V8 = V & ~7;
    __global const float *x = logits + logits_at + n * V;

    float8 top8 = -INFINITY;
    for (int i = 0, v = 8 * l * across; i < each && v < V8; i++, v += 8 * along)
        top8 = vload8(0, x + v) > top8 ? vload8(0, x + v) : top8;
    for (int v = V8 + l; v < V; v += WG)
        top8.s0 = fmax(top8.s0, x[v]);
    float top = group_max(max8(top8), scratch);
    top = top == -INFINITY ? 0.0f : top;

    float8 sum8s = 0.0f;
    for (int i = 0, v = 8 * l * across; i < each && v < V8; i++, v += 8 * along)
        sum8s += exp_below8(vload8(0, x + v) - top);
    for (int v = V8 + l; v < V; v += WG)
        sum8s.s0 += exp(x[v] - top);
    const float sum = group_sum(sum8(sum8s), scratch);

    if (l == 0) {
        const int t = target[target_at + n];
        nll[nll_at + n] = t < 0 || sum == 0.0f ? 0.0f : log(sum) + (top - x[t]);
    }
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
xent_backward(__global float *logits, const ulong logits_at, // (N, V) in, out
              __global float *nll, const ulong nll_at,       // (N) out
              __global const int *target, const ulong target_at, // (N) in
              const float scale, const int V, const int each, const int across,
              const int along)
{
    __local float scratch[WG];
    const size_t n = get_group_id(0);
    const int l = get_local_id(0);
    const int V8 = V & ~7;
    __global float *x = logits + logits_at + n * V;
    const int t = target[target_at + n];
    const float x_t = t < 0 ? 0.0f : x[t];

    float8 top8 = -INFINITY;
    for (int i = 0, v = 8 * l * across; i < each && v < V8; i++, v += 8 * along)
        top8 = vload8(0, x + v) > top8 ? vload8(0, x + v) : top8;
    for (int v = V8 + l; v < V; v += WG)
        top8.s0 = fmax(top8.s0, x[v]);
    float top = group_max(max8(top8), scratch);
    top = top == -INFINITY ? 0.0f : top;
    barrier(CLK_GLOBAL_MEM_FENCE); // every item has read x_t

    // The exponentials take the place of the logits, each item its own.
    float8 sum8s = 0.0f;
    for (int i = 0, v = 8 * l * across; i < each && v < V8;
         i++, v += 8 * along) {
        const float8 p = exp_below8(vload8(0, x + v) - top);
        vstore8(p, 0, x + v);
        sum8s += p;
    }
    for (int v = V8 + l; v < V; v += WG) {
        x[v] = exp(x[v] - top);
        sum8s.s0 += x[v];
    }
    const float sum = group_sum(sum8(sum8s), scratch);

    // A masked row is zero whatever it held, NaN too.
    const int none = t < 0 || sum == 0.0f;
    const float factor = scale / sum;
    for (int i = 0, v = 8 * l * across; i < each && v < V8; i++, v += 8 * along)
        vstore8(none ? (float8)(0.0f) : vload8(0, x + v) * factor, 0, x + v);
    for (int v = V8 + l; v < V; v += WG)
        x[v] = none ? 0.0f : x[v] * factor;
    barrier(CLK_GLOBAL_MEM_FENCE);
    if (l == 0) {
        if (!none)
            x[t] -= scale;
        nll[nll_at + n] = none ? 0.0f : log(sum) + (top - x_t);
    }
}
