/*
 * elementwise.cl - what touches each number once: zero, sum of two, clamp.
 *
 * Math       zero  x[i]  = 0
 *            add   x[i] += y[i]
 *            clip  x[i]  = min(max(x[i], -limit), limit); NaN stays NaN
 *                  dx[i] = 0 where |y[i]| >= limit; y is the clipped x
 * Shapes     x, y, dx (n) f32
 * Work       one item per eight numbers, the last one takes the tail:
 *            global = ceil(n / 8) rounded up to WG; any n
 * Local      none
 * Order      no sums
 * Reference  tests/ref/elementwise.c; add rel 1e-7, clip equal; zero equal
 * Source     Transformers' OLMoE attention for the clamp
 */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
zero_forward(__global float *x, const ulong x_at, // (n) out
             const ulong n)
{
    const size_t i = 8 * get_global_id(0);
    x += x_at;
    if (i + 8 <= n)
        vstore8((float8)(0.0f), 0, x + i);
    else
        for (size_t j = i; j < n; j++)
            x[j] = 0.0f;
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
add_forward(__global float *x, const ulong x_at,       // (n) in, out
            __global const float *y, const ulong y_at, // (n) in
            const ulong n)
{
    const size_t i = 8 * get_global_id(0);
    x += x_at;
    y += y_at;
    if (i + 8 <= n)
        vstore8(vload8(0, x + i) + vload8(0, y + i), 0, x + i);
    else
        for (size_t j = i; j < n; j++)
            x[j] += y[j];
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
clip_forward(__global float *x, const ulong x_at, // (n) in, out
             const ulong n, const float limit)
{
    const size_t i = 8 * get_global_id(0);
    x += x_at;
    if (i + 8 <= n) {
        const float8 v = vload8(0, x + i);
        const float8 low = v < -limit ? (float8)(-limit) : v;
        vstore8(low > limit ? (float8)limit : low, 0, x + i);
    } else
        for (size_t j = i; j < n; j++)
            x[j] = x[j] < -limit ? -limit : x[j] > limit ? limit : x[j];
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
clip_backward(__global float *dx, const ulong dx_at,     // (n) in, out
              __global const float *y, const ulong y_at, // (n) in
              const ulong n, const float limit)
{
    const size_t i = 8 * get_global_id(0);
    dx += dx_at;
    y += y_at;
    if (i + 8 <= n) {
        const float8 v = vload8(0, dx + i);
        const int8 out = fabs(vload8(0, y + i)) >= limit;
        vstore8(out ? (float8)(0.0f) : v, 0, dx + i);
    } else
        for (size_t j = i; j < n; j++)
            dx[j] = fabs(y[j]) >= limit ? 0.0f : dx[j];
}
