/*
 * scatter.cl - rows put in the places that a list names.
 *
 * Math       y[at[n],:] = x[n,:]
 * Shapes     x (N, D)   y (R, D) f32   at (N) i32, no two alike
 * Work       one group per row: global = N * WG, local = WG; any D >= 1
 * Local      none
 * Order      no sums
 * Reference  tests/ref/scatter.c; equal
 * Source     the reverse of a table lookup
 */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
scatter_forward(__global float *y, const ulong y_at,       // (R, D) out
                __global const float *x, const ulong x_at, // (N, D) in
                __global const int *at, const ulong at_at, // (N) in
                const int D)
{
    const size_t n = get_group_id(0);
    __global const float *x_n = x + x_at + n * D;
    __global float *y_n = y + y_at + (size_t)at[at_at + n] * D;
    for (int d = get_local_id(0); d < D; d += WG)
        y_n[d] = x_n[d];
}
