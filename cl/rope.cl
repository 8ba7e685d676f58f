/*
 * rope.cl - rotary positions, rotate-half pairs, in place.
 *
 * Math       a = x[n,h,i], b = x[n,h,i+S/2], (c, s) = table[n % T,i], s times
 *            sign, which is 1 forward and -1 backward:
 *            x[n,h,i]     = a c - b s
 *            x[n,h,i+S/2] = b c + a s
 * Shapes     x (N, H, S)   table (T, S/2, 2) cos, sin   row-major f32
 * Work       one group per token: global = N * WG, local = WG; S even
 * Local      none
 * Order      no sums
 * Reference  tests/ref/rope.c, ref_rope_forward() and _backward();
 *            abs 1e-6, rel 1e-6
 * Source     Su et al. 2021, arXiv:2104.09864; pairs as in GPT-NeoX
 */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
rope_turn(__global float *x, const ulong x_at, // (N, H, S) in, out
          __global const float *table, const ulong table_at, // (T, S/2, 2)
          const int T, const int H, const int S, const float sign)
{
    const size_t n = get_group_id(0);
    const int half_S = S / 2;
    __global float *x_n = x + x_at + n * H * S;
    __global const float *table_t = table + table_at + n % T * S;

    // Pair p of the token is pair i of head h, kept without a division.
    int h = (int)get_local_id(0) / half_S;
    int i = (int)get_local_id(0) % half_S;
    while (h < H) {
        __global float *pair = x_n + (size_t)h * S + i;
        const float c = table_t[2 * i], s = sign * table_t[2 * i + 1];
        const float a = pair[0], b = pair[half_S];
        pair[0] = a * c - b * s;
        pair[half_S] = b * c + a * s;
        h += WG / half_S;
        i += WG % half_S;
        if (i >= half_S) {
            i -= half_S;
            h++;
        }
    }
}
