/*
 * prelude.cl - work-group size, decoding of weights, group reductions.
 *
 * First source of every program.  Nothing here is platform-specific.
 */
#ifndef WG
#define WG 64 // work-items in a group; a power of two
#endif

/* Element types, the numbers of lib/tensor/tensor.h. */
#define DTYPE_F32  0
#define DTYPE_BF16 1
#define DTYPE_F16  2

/* Element i of a weight of any float type.  vload_half is core: it needs no
 * half arithmetic. */
float
weight_load(__global const uchar *w, const size_t i, const int dtype)
{
    if (dtype == DTYPE_F32)
        return ((__global const float *)w)[i];
    if (dtype == DTYPE_BF16)
        return as_float((uint)((__global const ushort *)w)[i] << 16);
    return vload_half(i, (__global const half *)w);
}

/* Sum of the eight, in pairs. */
float
sum8(const float8 x)
{
    const float4 a = x.lo + x.hi;
    const float2 b = a.lo + a.hi;
    return b.x + b.y;
}

/* Largest of the eight. */
float
max8(const float8 x)
{
    const float4 a = fmax(x.lo, x.hi);
    const float2 b = fmax(a.lo, a.hi);
    return fmax(b.x, b.y);
}

/* Sum of x over the group, to every item, by a fixed tree.  Every item of the
 * group must call it. */
float
group_sum(const float x, __local float *scratch)
{
    const int l = get_local_id(0);
    scratch[l] = x;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int s = WG / 2; s > 0; s >>= 1) {
        if (l < s)
            scratch[l] += scratch[l + s];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    const float sum = scratch[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    return sum;
}

/* Largest x of the group, to every item. */
float
group_max(const float x, __local float *scratch)
{
    const int l = get_local_id(0);
    scratch[l] = x;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int s = WG / 2; s > 0; s >>= 1) {
        if (l < s)
            scratch[l] = fmax(scratch[l], scratch[l + s]);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    const float top = scratch[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    return top;
}
