/*
 * cooccur.cl - which experts are chosen together, and which token ids go to
 * which expert.
 *
 * Math       together[l,a,b] += number of tokens with a and b among their K
 *            adjacent[l,a,b] += number of tokens with a and b at neighbouring
 *                               ranks; both symmetric, together[l,a,a] is the
 *                               count of a
 *            count[c,v,e]    += number of tokens of id v whose first choice in
 *                               layer[c] is e
 * Shapes     together, adjacent (L,E,E) i32   count (C,V,E) i32
 *            idx (L*N,K) i32   set (L*N,W) u32 (sets.cl)   ids (N) i32
 *            layer (C) i32
 * Work       cooccur_experts: one group per expert a and layer, global =
 *            (E*WG,L), local = (WG,1); cooccur_tokens: one item per token and
 *            layer of the list, any global >= N*C, local = WG
 * Local      none
 * Order      whole numbers, added atomically in cooccur_tokens: exact, the
 *            same on every device
 * Reference  tests/ref/cooccur.c; equal
 * Source     arXiv:2409.02060, section 5 (co-activation, specialisation)
 */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
cooccur_experts(__global int *restrict together, /* (L,E,E) in and out */
                const ulong together_at,
                __global int *restrict adjacent, /* (L,E,E) in and out */
                const ulong adjacent_at,
                __global const uint *restrict set, /* (L*N,W) in */
                const ulong set_at,
                __global const int *restrict idx, /* (L*N,K) in */
                const ulong idx_at, const int N, const int E, const int K,
                const int W)
{
    const int a = (int)get_group_id(0);
    const size_t l = get_group_id(1);
    const size_t out = (l * E + a) * E;
    __global const uint *x = set + set_at + l * N * W;
    __global const int *choice = idx + idx_at + l * N * K;

    for (int e = get_local_id(0); e < E; e += WG) {
        int both = 0, next = 0;
        for (int n = 0; n < N; n++) {
            __global const uint *row = x + (size_t)n * W;
            if ((row[a / 32] >> (a % 32) & 1u) == 0u)
                continue;
            both += (int)(row[e / 32] >> (e % 32) & 1u);
            __global const int *rank = choice + (size_t)n * K;
            for (int k = 0; k + 1 < K; k++)
                next += (rank[k] == a && rank[k + 1] == e) ||
                        (rank[k] == e && rank[k + 1] == a);
        }
        together[together_at + out + e] += both;
        adjacent[adjacent_at + out + e] += next;
    }
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
cooccur_tokens(__global int *count, /* (C,V,E) in and out */
               const ulong count_at,
               __global const int *restrict ids, /* (N) in */
               const ulong ids_at,
               __global const int *restrict idx, /* (L*N,K) in */
               const ulong idx_at,
               __global const int *restrict layer, /* (C) in */
               const ulong layer_at, const int C, const int N, const int V,
               const int E, const int K)
{
    const size_t i = get_global_id(0);
    if (i >= (size_t)C * N)
        return;
    const size_t c = i / N, n = i % N;
    const size_t l = layer[layer_at + c];
    const int e = idx[idx_at + (l * N + n) * K];
    if (e >= 0)
        atomic_inc(&count[count_at + (c * V + ids[ids_at + n]) * E + e]);
}
