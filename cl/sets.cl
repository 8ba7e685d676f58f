/*
 * sets.cl - the chosen experts of a token as a set of bits, and how alike such
 * sets are.
 *
 * Math       set[r,:]     = the bits of idx[r,0..K-1]; -1 is no expert
 *            pairs[l,s,0,c] = number of pairs i < j of tokens of sequence s
 *                           whose sets of layer l share c experts
 *            pairs[l,s,1,c] = the same of neighbours, j = i + 1
 *            common[l,p,c] = number of tokens of piece p whose sets a and b of
 *                           layer l share c experts, 0 <= c <= K
 * Shapes     idx (R,K) i32   set, a, b (R,W) u32, W = ceil(E/32), R = L*N,
 *            row l*N + n is token n in layer l
 *            seq (S,2) i32: first token and the one after the last
 *            pairs (L,S,2,K+1) i32   common (L,P,K+1) i32
 * Work       sets_forward: one item per word, any global >= R*W, local = WG;
 *            sets_pairs: one group per sequence and layer, global = (S*WG,L);
 *            sets_common: one group per piece of `rows` tokens and layer,
 *            global = (P*WG,L); local = (WG,1)
 * Local      none
 * Order      whole numbers: exact, the same on every device
 * Reference  tests/ref/sets.c; equal
 * Source     arXiv:2510.04694 (consistency), arXiv:2409.02060 (saturation)
 */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
sets_forward(__global uint *restrict set, /* (R,W) out */
             const ulong set_at,
             __global const int *restrict idx, /* (R,K) in */
             const ulong idx_at, const ulong R, const int K, const int W)
{
    const size_t i = get_global_id(0);
    if (i >= R * (size_t)W)
        return;
    const size_t r = i / (size_t)W;
    const int w = (int)(i % (size_t)W);
    uint bits = 0u;
    for (int k = 0; k < K; k++) {
        const int e = idx[idx_at + r * K + k];
        bits |= e >= 0 && e / 32 == w ? 1u << (e % 32) : 0u;
    }
    set[set_at + i] = bits;
}

/* Experts that two sets have in common. */
int
sets_both(__global const uint *a, __global const uint *b, const int W)
{
    int n = 0;
    for (int w = 0; w < W; w++)
        n += (int)popcount(a[w] & b[w]);
    return n;
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
sets_pairs(__global int *restrict pairs, /* (L,S,2,K+1) out */
           const ulong pairs_at,
           __global const uint *restrict set, /* (L*N,W) in */
           const ulong set_at, __global const int *restrict seq, /* (S,2) in */
           const ulong seq_at, const int N, const int K, const int W)
{
    const size_t s = get_group_id(0), S = get_num_groups(0);
    const size_t l = get_group_id(1);
    const int first = seq[seq_at + 2 * s];
    const int end = seq[seq_at + 2 * s + 1];
    __global const uint *x = set + set_at + l * N * W;
    __global int *out = pairs + pairs_at + (l * S + s) * 2 * (K + 1);

    for (int c = get_local_id(0); c <= K; c += WG) {
        int all = 0, adjacent = 0;
        for (int i = first; i < end; i++)
            for (int j = i + 1; j < end; j++) {
                const int same =
                    sets_both(x + (size_t)i * W, x + (size_t)j * W, W) == c;
                all += same;
                adjacent += j == i + 1 ? same : 0;
            }
        out[c] = all;
        out[K + 1 + c] = adjacent;
    }
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
sets_common(__global int *restrict common, /* (L,P,K+1) out */
            const ulong common_at,
            __global const uint *restrict a,                   /* (L*N,W) in */
            const ulong a_at, __global const uint *restrict b, /* (L*N,W) in */
            const ulong b_at, const int N, const int K, const int W,
            const int rows)
{
    const size_t p = get_group_id(0), P = get_num_groups(0);
    const size_t l = get_group_id(1);
    const int first = (int)p * rows;
    const int end = min(first + rows, N);
    __global const uint *x = a + a_at + l * N * W;
    __global const uint *y = b + b_at + l * N * W;

    for (int c = get_local_id(0); c <= K; c += WG) {
        int n = 0;
        for (int i = first; i < end; i++)
            n += sets_both(x + (size_t)i * W, y + (size_t)i * W, W) == c;
        common[common_at + (l * P + p) * (K + 1) + c] = n;
    }
}
