/*
 * finite.cl - the first row of each block with a number that is not finite.
 *
 * Math       bad[m] = min { n in block m : some x[n,e] is NaN or infinite },
 *            or -1
 * Shapes     x (N, E) f32   bad (ceil(N / rows)) i32   row-major
 * Work       one group per block of `rows` rows: global = blocks * WG,
 *            local = WG; any N, E >= 1
 * Local      WG floats
 * Order      a maximum of small whole numbers: exact, same on every device
 * Reference  tests/ref/finite.c, ref_finite_forward(); equal
 * Source     the exponent of IEEE 754 binary32: all ones for both
 */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
finite_forward(__global int *restrict bad, /* (blocks) out */
               const ulong bad_at,
               __global const float *restrict x, /* (N, E) in */
               const ulong x_at, const int N, const int E, const int rows)
{
    __local float scratch[WG];
    const int m = get_group_id(0);
    const int l = get_local_id(0);
    const int first = m * rows;
    const int n = min(rows, N - first);
    __global const uint *bits =
        (__global const uint *)(x + x_at) + (size_t)first * E;

    float found = 0.0f; // rows minus the row, so that the first one is largest
    for (int i = l; i < n * E; i += WG)
        if ((bits[i] & 0x7f800000u) == 0x7f800000u)
            found = fmax(found, (float)(rows - i / E));
    found = group_max(found, scratch);
    if (l == 0)
        bad[bad_at + m] = found > 0.0f ? first + rows - (int)found : -1;
}
