/*
 * embed.cl - rows of the token table.
 *
 * Math       x[n,:] = table[ids[n],:]
 * Shapes     x (N, D) f32   ids (N) i32   table (V, D) of any float type
 * Work       one group per row: global = N * WG, local = WG; any D >= 1
 * Local      none
 * Order      no sums
 * Reference  tests/ref/embed.c, ref_embed_forward(); equal
 * Source     a table lookup
 */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
embed_forward(__global float *x, const ulong x_at,               // (N, D) out
              __global const int *ids, const ulong ids_at,       // (N) in
              __global const uchar *table, const ulong table_at, // (V, D) in
              const int D, const int dtype)
{
    const size_t n = get_group_id(0);
    const size_t row = table_at + (size_t)ids[ids_at + n] * D;
    __global float *x_n = x + x_at + n * D;
    for (int d = get_local_id(0); d < D; d += WG)
        x_n[d] = weight_load(table, row + d, dtype);
}
