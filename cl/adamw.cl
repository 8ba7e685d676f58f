/*
 * adamw.cl - one AdamW update of a contiguous range of parameters.
 *
 * Math       g' = g s                      s: clipping factor, on the device
 *            w  = w (1 - lr decay)
 *            m  = b1 m + (1 - b1) g'       v = b2 v + (1 - b2) g'^2
 *            w  = w - lr (m / c1) / (sqrt(v / c2) + eps)
 *            c1 = 1 - b1^t, c2 = 1 - b2^t, d1 = 1 - b1, d2 = 1 - b2 computed
 *            by the host in double; no product is fused with a sum, which is
 *            how other optimisers round
 * Shapes     w, m, v, g (n)   s (1)
 * Work       items = n, any n
 * Local      none
 * Order      no sums: the same numbers on every device, to rounding; the
 *            bf16 kernel draws its rounding from (seed, step, index) alone
 * Reference  tests/ref/adamw.c, ref_adamw(); rel 1e-6
 * Source     Loshchilov and Hutter 2019, arXiv:1711.05101; counter-based
 *            numbers: Salmon et al. 2011, Philox4x32-10
 */

/* The decoupled update of one parameter; moments are updated in place. */
float
adamw_value(float w, __global float *m, __global float *v, const float g,
            const float lr, const float b1, const float b2, const float d1,
            const float d2, const float eps, const float decay, const float c1,
            const float c2)
{
#pragma OPENCL FP_CONTRACT OFF
    const float mi = b1 * *m + d1 * g;
    const float vi = b2 * *v + d2 * (g * g);
    *m = mi;
    *v = vi;
    w *= 1.0f - lr * decay;
    return w - lr * (mi / c1) / (sqrt(vi / c2) + eps);
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
adamw_f32(__global float *restrict w, const ulong w_off,       /* (n) in, out */
          __global float *restrict m, const ulong m_off,       /* (n) in, out */
          __global float *restrict v, const ulong v_off,       /* (n) in, out */
          __global const float *restrict g, const ulong g_off, /* (n) in */
          __global const float *restrict s, const ulong s_off, /* (1) in */
          const ulong n, const float lr, const float b1, const float b2,
          const float d1, const float d2, const float eps, const float decay,
          const float c1, const float c2)
{
    const size_t i = get_global_id(0);
    if (i < n)
        w[w_off + i] = adamw_value(w[w_off + i], m + m_off + i, v + v_off + i,
                                   g[g_off + i] * s[s_off], lr, b1, b2, d1, d2,
                                   eps, decay, c1, c2);
}

/* The first word of Philox4x32-10 at counter (index, step) under seed. */
uint
philox_word(const ulong seed, const ulong stream, const ulong index)
{
    uint4 c = (uint4)((uint)index, (uint)(index >> 32), (uint)stream,
                      (uint)(stream >> 32));
    uint k0 = (uint)seed, k1 = (uint)(seed >> 32);
    for (int r = 0; r < 10; r++) {
        const uint h0 = mul_hi(0xD2511F53u, c.x), l0 = 0xD2511F53u * c.x;
        const uint h1 = mul_hi(0xCD9E8D57u, c.z), l1 = 0xCD9E8D57u * c.z;
        c = (uint4)(h1 ^ c.y ^ k0, l1, h0 ^ c.w ^ k1, l0);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return c.x;
}

/* x to bf16, up with the probability of the part that is cut off.  A value
 * that is not finite keeps its upper half (and a NaN stays one). */
ushort
bf16_stochastic(const float x, const uint random)
{
    const uint bits = as_uint(x);
    if ((bits & 0x7f800000u) == 0x7f800000u)
        return (ushort)(bits >> 16 | ((bits & 0xffffu) != 0));
    return (ushort)((bits + (random & 0xffffu)) >> 16);
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
adamw_bf16(__global ushort *restrict w, const ulong w_off, /* (n) in, out */
           __global float *restrict m, const ulong m_off,  /* (n) in, out */
           __global float *restrict v, const ulong v_off,  /* (n) in, out */
           __global const float *restrict g, const ulong g_off, /* (n) in */
           __global const float *restrict s, const ulong s_off, /* (1) in */
           const ulong n, const float lr, const float b1, const float b2,
           const float d1, const float d2, const float eps, const float decay,
           const float c1, const float c2, const ulong seed, const ulong step,
           const ulong first)
{
    const size_t i = get_global_id(0);
    if (i < n) {
        const float old = as_float((uint)w[w_off + i] << 16);
        const float x = adamw_value(old, m + m_off + i, v + v_off + i,
                                    g[g_off + i] * s[s_off], lr, b1, b2, d1, d2,
                                    eps, decay, c1, c2);
        w[w_off + i] = bf16_stochastic(x, philox_word(seed, step, first + i));
    }
}

/* Round a master copy to the bf16 weights that the products read. */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
adamw_round(__global ushort *restrict y, const ulong y_off,      /* (n) out */
            __global const float *restrict x, const ulong x_off, /* (n) in */
            const ulong n)
{
    const size_t i = get_global_id(0);
    if (i < n) {
        const uint bits = as_uint(x[x_off + i]);
        y[y_off + i] =
            (bits & 0x7fffffffu) > 0x7f800000u
                ? (ushort)(bits >> 16 | 0x40u)
                : (ushort)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
    }
}
