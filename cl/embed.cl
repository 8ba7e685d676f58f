/*
 * embed.cl - rows of the token table, and the table's gradient.
 *
 * Math       forward  x[n,:] = table[ids[n],:]
 *            backward dtable[ids[n],:] += sum of dx[n,:] over the n of one id,
 *                     which are order[first[u]] .. order[first[u + 1] - 1]
 * Shapes     x, dx (N, D) f32   ids, order (N) i32   first (U + 1) i32
 *            table (V, D) of any float type   dtable (V, D) f32
 * Work       one group per row forward, per different id backward: global = N
 *            or U * WG, local = WG; any D >= 1
 * Local      none
 * Order      n ascending, then what dtable held
 * Reference  tests/ref/embed.c; forward equal; backward abs 1e-5, rel 1e-5
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

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
embed_backward(__global float *dtable, const ulong dtable_at, // (V, D) in, out
               __global const float *dx, const ulong dx_at,   // (N, D) in
               __global const int *ids, const ulong ids_at,   // (N) in
               __global const int *order, const ulong order_at, // (N) in
               __global const int *first, const ulong first_at, // (U + 1) in
               const int D)
{
    const size_t u = first_at + get_group_id(0);
    const int begin = first[u], end = first[u + 1];
    const int D8 = D & ~7;
    order += order_at;
    dx += dx_at;
    dtable += dtable_at + (size_t)ids[ids_at + order[begin]] * D;

    for (int d = 8 * get_local_id(0); d < D8; d += 8 * WG) {
        float8 sum = 0.0f;
        for (int i = begin; i < end; i++)
            sum += vload8(0, dx + (size_t)order[i] * D + d);
        vstore8(vload8(0, dtable + d) + sum, 0, dtable + d);
    }
    for (int d = D8 + get_local_id(0); d < D; d += WG) {
        float sum = 0.0f;
        for (int i = begin; i < end; i++)
            sum += dx[(size_t)order[i] * D + d];
        dtable[d] += sum;
    }
}
