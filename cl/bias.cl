/*
 * bias.cl - the gradient of a bias, and the end of every sum over tokens.
 *
 * Math       backward partial[p,d] = sum_n dy[n,d], n of part p
 *            parts    x[d] += sum_p partial[p,d]
 * Shapes     dy (N, D)   partial (P, D)   x (D)   row-major f32
 * Work       an item per eight columns, the last one takes the tail:
 *            ceil(D / 8 WG) groups, x P for bias_backward; any D >= 1
 * Local      none
 * Order      a part sums its rows upwards; then the parts upwards
 * Reference  tests/ref/bias.c, ref_bias_backward(); abs 1e-5, rel 1e-5
 * Source     the transpose of adding a row to every row
 */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
bias_backward(__global float *partial, const ulong partial_at, // (P, D) out
              __global const float *dy, const ulong dy_at,     // (N, D) in
              const ulong N, const int D)
{
    const size_t p = get_group_id(1), parts = get_num_groups(1);
    const size_t end = N * (p + 1) / parts;
    const int d = 8 * (int)get_global_id(0);
    dy += dy_at;
    partial += partial_at + p * D;

    if (d + 8 <= D) {
        float8 sum = 0.0f;
        for (size_t n = N * p / parts; n < end; n++)
            sum += vload8(0, dy + n * D + d);
        vstore8(sum, 0, partial + d);
    } else
        for (int j = d; j < D; j++) {
            float sum = 0.0f;
            for (size_t n = N * p / parts; n < end; n++)
                sum += dy[n * D + j];
            partial[j] = sum;
        }
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
parts_add(__global float *x, const ulong x_at,                   // (D) in, out
          __global const float *partial, const ulong partial_at, // (P, D) in
          const int parts, const int D)
{
    const int d = 8 * (int)get_global_id(0);
    x += x_at;
    partial += partial_at;

    if (d + 8 <= D) {
        float8 sum = 0.0f;
        for (int p = 0; p < parts; p++)
            sum += vload8(0, partial + (size_t)p * D + d);
        vstore8(vload8(0, x + d) + sum, 0, x + d);
    } else
        for (int j = d; j < D; j++) {
            float sum = 0.0f;
            for (int p = 0; p < parts; p++)
                sum += partial[(size_t)p * D + j];
            x[j] += sum;
        }
}
