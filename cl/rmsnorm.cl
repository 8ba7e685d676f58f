/*
 * rmsnorm.cl - root-mean-square normalisation of each row.
 *
 * Math       r[n]   = 1 / sqrt(mean_d x[n,d]^2 + eps)
 *            y[n,d] = w[d] * (x[n,d] * r[n])
 * Shapes     x, y (N, D)   w (D)   r (N)   row-major f32; y may be x
 * Work       one group per row: global = N * WG, local = WG; any D >= 1
 * Local      WG floats
 * Order      each item sums eights, then the tree of group_sum()
 * Reference  tests/ref/rmsnorm.c, ref_rmsnorm_forward(); abs 1e-5, rel 1e-5
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
