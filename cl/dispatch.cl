/*
 * dispatch.cl - slots (token, rank) sorted by expert, stably, without atomics.
 *
 * Math       count[e]         = number of slots with idx = e
 *            start[e]         = sum of count before e; start[E] their total
 *            slot_of[n,k]     = start[e] + slots of e before (n,k), e =
 *                               idx[n,k]; -1 when that is no expert
 *            slot_token[s]    = n of the slot at s, s < start[E]
 *            partial[p,e]     = slots of e in pieces before p
 * Shapes     idx, slot_of (N, K)   slot_token (N*K)   count (E)   start (E+1)
 *            partial (P, E), P = ceil(N / piece)   all i32
 * Work       count and place: one group per piece of so many tokens; scan: one
 *            group; local = WG; any N, E, K
 * Local      none
 * Order      (token, rank) ascending within an expert: the same everywhere
 * Reference  tests/ref/dispatch.c, ref_dispatch_forward(); equal
 * Source     counting sort
 */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
dispatch_count(__global int *partial, const ulong partial_at, // (P, E) out
               __global const int *idx, const ulong idx_at,   // (N, K) in
               const int N, const int E, const int K, const int piece)
{
    const size_t p = get_group_id(0);
    const size_t first = p * piece;
    const int slots = min((size_t)piece, N - first) * K;
    __global const int *idx_p = idx + idx_at + first * K;
    for (int e = get_local_id(0); e < E; e += WG) {
        int c = 0;
        for (int j = 0; j < slots; j++)
            c += idx_p[j] == e;
        partial[partial_at + p * E + e] = c;
    }
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
dispatch_scan(__global int *count, const ulong count_at,     // (E) out
              __global int *start, const ulong start_at,     // (E+1) out
              __global int *partial, const ulong partial_at, // (P, E) in, out
              const int P, const int E)
{
    for (int e = get_local_id(0); e < E; e += WG) {
        int before = 0;
        for (int p = 0; p < P; p++) {
            const size_t at = partial_at + (size_t)p * E + e;
            const int c = partial[at];
            partial[at] = before;
            before += c;
        }
        count[count_at + e] = before;
    }
    barrier(CLK_GLOBAL_MEM_FENCE);
    if (get_local_id(0) == 0) {
        int total = 0;
        for (int e = 0; e < E; e++) {
            start[start_at + e] = total;
            total += count[count_at + e];
        }
        start[start_at + E] = total;
    }
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
dispatch_place(__global int *slot_token, const ulong token_at,  // (N*K) out
               __global int *slot_of, const ulong of_at,        // (N, K) out
               __global const int *start, const ulong start_at, // (E+1) in
               __global const int *partial, const ulong partial_at, // (P, E)
               __global const int *idx, const ulong idx_at,         // (N, K) in
               const int N, const int E, const int K, const int piece)
{
    const size_t p = get_group_id(0);
    const size_t first = p * piece;
    const int tokens = min((size_t)piece, N - first);
    __global const int *idx_p = idx + idx_at + first * K;
    __global int *slot_of_p = slot_of + of_at + first * K;

    for (int e = get_local_id(0); e < E; e += WG) {
        int at = start[start_at + e] + partial[partial_at + p * E + e];
        for (int n = 0; n < tokens; n++)
            for (int k = 0; k < K; k++)
                if (idx_p[n * K + k] == e) {
                    slot_of_p[n * K + k] = at;
                    slot_token[token_at + at] = first + n;
                    at++;
                }
    }
    for (int j = get_local_id(0); j < tokens * K; j += WG)
        if (idx_p[j] < 0 || idx_p[j] >= E)
            slot_of_p[j] = -1;
}
