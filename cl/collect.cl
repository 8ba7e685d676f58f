/*
 * collect.cl - choices, probabilities and weights of each expert, added over
 * pieces of a batch.
 *
 * Math       count[p,e] = number of (n,k) with idx[n,k] = e
 *            sum[p,e]   = sum_n probs[n,e]
 *            gate[p,e]  = sum of weight[n,k] over the (n,k) with idx[n,k] = e,
 *                         all over piece[p,0] <= n < piece[p,1]
 * Shapes     count (P,E) i32   sum, gate (P,E) f32   piece (P,2) i32
 *            probs (N,E) f32   idx (N,K) i32   weight (N,K) f32
 * Work       one group per piece: global = P * WG, local = WG; any E >= 1
 * Local      none
 * Order      tokens in ascending order: the same sums on every device
 * Reference  tests/ref/collect.c, ref_collect(); counts equal, sums 1e-6
 * Source     polymoe-routing(7), ESTIMATORS
 */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
collect_layer(
    __global int *restrict count,                              /* (P,E) out */
    const ulong count_at, __global float *restrict sum,        /* (P,E) out */
    const ulong sum_at, __global float *restrict gate,         /* (P,E) out */
    const ulong gate_at, __global const float *restrict probs, /* (N,E) in */
    const ulong probs_at, __global const int *restrict idx,    /* (N,K) in */
    const ulong idx_at, __global const float *restrict weight, /* (N,K) in */
    const ulong weight_at,
    __global const int *restrict piece, /* (P,2) in: first, end */
    const ulong piece_at, const int E, const int K)
{
    const size_t p = get_group_id(0);
    const int first = piece[piece_at + 2 * p];
    const int end = piece[piece_at + 2 * p + 1];

    for (int e = get_local_id(0); e < E; e += WG) {
        int chosen = 0;
        float total = 0.0f, weighed = 0.0f;
        for (int n = first; n < end; n++) {
            total += probs[probs_at + (size_t)n * E + e];
            for (int k = 0; k < K; k++) {
                const size_t at = (size_t)n * K + k;
                const int is = idx[idx_at + at] == e;
                chosen += is;
                weighed += is ? weight[weight_at + at] : 0.0f;
            }
        }
        count[count_at + p * E + e] = chosen;
        sum[sum_at + p * E + e] = total;
        gate[gate_at + p * E + e] = weighed;
    }
}
