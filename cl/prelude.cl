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

/* Ask for the line of an address that is needed soon: in kernels for CPUs,
 * whose compilers have it. */
#define FETCH(p) __builtin_prefetch((const void *)(size_t)(p))

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

/*
 * e^x for x <= 0, relative error under 2e-7; 0 below -87, where f32 ends, NaN
 * for NaN.  Softmax needs no more; the library's exp, good for every x, takes
 * longer where vectors are wide.
 *
 * x = n ln 2 + r, ln 2 in two parts; e^r by a polynomial of degree 7 (Cephes,
 * expf); 2^n put together from its bits.  select(), since Oclgrind takes the
 * wrong side of ?: between vectors here.
 */
#define EXP_BELOW(VF, VI, AS_VF, AS_VI)                                        \
    const VF y = select(x, (VF)(-87.0f), x < -87.0f);                          \
    const VF n_high = y * 1.44269504f + 12582912.0f; /* n in the low bits */   \
    const VF n = n_high - 12582912.0f;                                         \
    const VF r = y - n * 0.693359375f + n * 2.12194440e-4f;                    \
    VF p = r * 1.9875691500e-4f + 1.3981999507e-3f;                            \
    p = p * r + 8.3334519073e-3f;                                              \
    p = p * r + 4.1665795894e-2f;                                              \
    p = p * r + 1.6666665459e-1f;                                              \
    p = p * r + 5.0000001201e-1f;                                              \
    p = p * (r * r) + r + 1.0f;                                                \
    const VI two = (AS_VI(n_high) << 23) + (127 << 23);                        \
    return select(p * AS_VF(two), (VF)(0.0f), x < -87.0f)

float4
exp_below4(const float4 x)
{
    EXP_BELOW(float4, int4, as_float4, as_int4);
}
float8
exp_below8(const float8 x)
{
    EXP_BELOW(float8, int8, as_float8, as_int8);
}
float16
exp_below16(const float16 x)
{
    EXP_BELOW(float16, int16, as_float16, as_int16);
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
