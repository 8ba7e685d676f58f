/*
 * combine.cl - the experts' rows added back to their tokens.
 *
 * Math       forward  x[n,:] += sum_k weight[n,k] y[slot_of[n,k],:]
 *            weights  ws[slot_of[n,k]] = weight[n,k]
 *            backward dweight[n,k] = dws[slot_of[n,k]]
 *                     dx[n,:] += sum_k dxs[slot_of[n,k],:]
 *            A negative slot adds nothing, is not written, gives 0.
 * Shapes     x, dx (N, D)   y, dxs (N*K, D)   weight, dweight (N, K)
 *            ws, dws (N*K)   slot_of (N, K) i32
 * Work       one group per token: global = N * WG, local = WG; any D, K >= 1;
 *            combine_weights: items = N * K
 * Local      none
 * Order      k in rank order, then x: the same sum on every device but for
 *            fused multiply-add
 * Reference  tests/ref/combine.c; forward abs 1e-5, rel 1e-5; backward abs
 *            1e-5, rel 1e-5; weights are copies
 * Source     Muennighoff et al. 2024, arXiv:2409.02060, section 2
 */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
combine_forward(__global float *x, const ulong x_at,       // (N, D) in, out
                __global const float *y, const ulong y_at, // (N*K, D) in
                __global const float *weight, const ulong weight_at, // (N, K)
                __global const int *slot_of, const ulong slot_at, // (N, K) in
                const int D, const int K)
{
    const size_t n = get_group_id(0);
    const int l = get_local_id(0);
    const int D8 = D & ~7;
    __global float *x_n = x + x_at + n * D;
    __global const float *w = weight + weight_at + n * K;
    __global const int *slot = slot_of + slot_at + n * K;
    y += y_at;

    for (int d = 8 * l; d < D8; d += 8 * WG) {
        float8 sum = 0.0f;
        for (int k = 0; k < K; k++)
            if (slot[k] >= 0)
                sum += w[k] * vload8(0, y + (size_t)slot[k] * D + d);
        vstore8(vload8(0, x_n + d) + sum, 0, x_n + d);
    }
    for (int d = D8 + l; d < D; d += WG) {
        float sum = 0.0f;
        for (int k = 0; k < K; k++)
            if (slot[k] >= 0)
                sum += w[k] * y[(size_t)slot[k] * D + d];
        x_n[d] += sum;
    }
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
combine_weights(__global float *ws, const ulong ws_at, // (N*K) out
                __global const float *weight, const ulong weight_at, // (N, K)
                __global const int *slot_of, const ulong slot_at, // (N, K) in
                const int slots)
{
    const size_t i = get_global_id(0);
    const int slot = i < slots ? slot_of[slot_at + i] : -1;
    if (slot >= 0)
        ws[ws_at + slot] = weight[weight_at + i];
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
combine_backward(__global float *dweight, const ulong dweight_at, // (N, K) out
                 __global float *dx, const ulong dx_at, // (N, D) in, out
                 __global const float *dws, const ulong dws_at, // (N*K) in
                 __global const float *dxs, const ulong dxs_at, // (N*K, D) in
                 __global const int *slot_of, const ulong slot_at, // (N, K) in
                 const int D, const int K)
{
    const size_t n = get_group_id(0);
    const int l = get_local_id(0);
    const int D8 = D & ~7;
    __global float *dx_n = dx + dx_at + n * D;
    __global const int *slot = slot_of + slot_at + n * K;
    dxs += dxs_at;

    for (int k = l; k < K; k += WG)
        dweight[dweight_at + n * K + k] =
            slot[k] >= 0 ? dws[dws_at + slot[k]] : 0.0f;
    for (int d = 8 * l; d < D8; d += 8 * WG) {
        float8 sum = 0.0f;
        for (int k = 0; k < K; k++)
            if (slot[k] >= 0)
                sum += vload8(0, dxs + (size_t)slot[k] * D + d);
        vstore8(vload8(0, dx_n + d) + sum, 0, dx_n + d);
    }
    for (int d = D8 + l; d < D; d += WG) {
        float sum = 0.0f;
        for (int k = 0; k < K; k++)
            if (slot[k] >= 0)
                sum += dxs[(size_t)slot[k] * D + d];
        dx_n[d] += sum;
    }
}
