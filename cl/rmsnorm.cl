/*
 * rmsnorm.cl - root-mean-square normalisation of each row, and its gradients.
 *
 * Math       forward  r[n]   = 1 / sqrt(mean_d x[n,d]^2 + eps)
 *                     y[n,d] = w[d] * (x[n,d] * r[n])
 *            backward dx[n,d] (+)= r[n] (w[d] dy[n,d] - x[n,d] r[n]^2 m[n]),
 *                     m[n] = mean_d w[d] dy[n,d] x[n,d]
 *            parts    partial[p,d] = sum_n dy[n,d] x[n,d] r[n], n of part p
 * Shapes     x, y, dx, dy (N, D)   w (D)   r (N)   partial (P, D)   row-major
 *            f32; y may be x, dx may be dy
 * Work       one group per row: global = N * WG, local = WG; any D >= 1;
 *            rmsnorm_parts: an item per eight columns, the last one takes the
 *            tail; ceil(D / 8 WG) x P groups
 * Local      WG floats
 * Order      each item sums eights, then the tree of group_sum(); a part sums
 *            its rows upwards
 * Reference  tests/ref/rmsnorm.c; forward abs 1e-5, rel 1e-5; backward abs
 *            1e-5, rel 1e-5
 * Source     Zhang and Sennrich 2019, arXiv:1910.07467
 */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
rmsnorm_forward(__global float *y, const ulong y_at,       // (N, D) out
                __global float *r, const ulong r_at,       // (N) out
                __global const float *x, const ulong x_at, // (N, D) in
                __global const float *w, const ulong w_at, // (D) in
                const int D, const float eps)
{
    __local float scratch[WG];
    const size_t n = get_group_id(0);
    const int l = get_local_id(0);
    const int D8 = D & ~7;
    __global const float *x_n = x + x_at + n * D;
    __global float *y_n = y + y_at + n * D;
    w += w_at;

    float8 ss = 0.0f;
    for (int d = 8 * l; d < D8; d += 8 * WG) {
        const float8 v = vload8(0, x_n + d);
        ss += v * v;
    }
    for (int d = D8 + l; d < D; d += WG)
        ss.s0 += x_n[d] * x_n[d];
    const float r_n = rsqrt(group_sum(sum8(ss), scratch) / D + eps);

    for (int d = 8 * l; d < D8; d += 8 * WG)
        vstore8(vload8(0, w + d) * (vload8(0, x_n + d) * r_n), 0, y_n + d);
    for (int d = D8 + l; d < D; d += WG)
        y_n[d] = w[d] * (x_n[d] * r_n);
    if (l == 0)
        r[r_at + n] = r_n;
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
rmsnorm_backward(__global float *dx, const ulong dx_at,       // (N, D) (+)= out
                 __global const float *dy, const ulong dy_at, // (N, D) in
                 __global const float *x, const ulong x_at,   // (N, D) in
                 __global const float *r, const ulong r_at,   // (N) in
                 __global const float *w, const ulong w_at,   // (D) in
                 const int D, const int accumulate)
{
    __local float scratch[WG];
    const size_t n = get_group_id(0);
    const int l = get_local_id(0);
    const int D8 = D & ~7;
    __global const float *x_n = x + x_at + n * D;
    __global const float *dy_n = dy + dy_at + n * D;
    __global float *dx_n = dx + dx_at + n * D;
    const float r_n = r[r_at + n];
    w += w_at;

    // y = w x r: x reaches y itself, and through r, whose derivative by x is
    // -x r^3 / D.
    float8 sum = 0.0f;
    for (int d = 8 * l; d < D8; d += 8 * WG)
        sum += vload8(0, w + d) * vload8(0, dy_n + d) * vload8(0, x_n + d);
    for (int d = D8 + l; d < D; d += WG)
        sum.s0 += w[d] * dy_n[d] * x_n[d];
    const float m = r_n * r_n * (group_sum(sum8(sum), scratch) / D);

    for (int d = 8 * l; d < D8; d += 8 * WG) {
        const float8 v = vload8(0, w + d) * vload8(0, dy_n + d);
        const float8 g = r_n * (v - m * vload8(0, x_n + d));
        vstore8(accumulate ? vload8(0, dx_n + d) + g : g, 0, dx_n + d);
    }
    for (int d = D8 + l; d < D; d += WG) {
        const float g = r_n * (w[d] * dy_n[d] - m * x_n[d]);
        dx_n[d] = accumulate ? dx_n[d] + g : g;
    }
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
rmsnorm_parts(__global float *partial, const ulong partial_at, // (P, D) out
              __global const float *dy, const ulong dy_at,     // (N, D) in
              __global const float *x, const ulong x_at,       // (N, D) in
              __global const float *r, const ulong r_at,       // (N) in
              const ulong N, const int D)
{
    const size_t p = get_group_id(1), parts = get_num_groups(1);
    const size_t end = N * (p + 1) / parts;
    const int d = 8 * (int)get_global_id(0);
    dy += dy_at;
    x += x_at;
    r += r_at;
    partial += partial_at + p * D;

    if (d + 8 <= D) {
        float8 sum = 0.0f;
        for (size_t n = N * p / parts; n < end; n++)
            sum +=
                vload8(0, dy + n * D + d) * (vload8(0, x + n * D + d) * r[n]);
        vstore8(sum, 0, partial + d);
    } else
        for (int j = d; j < D; j++) {
            float sum = 0.0f;
            for (size_t n = N * p / parts; n < end; n++)
                sum += dy[n * D + j] * (x[n * D + j] * r[n]);
            partial[j] = sum;
        }
}
