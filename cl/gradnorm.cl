/*
 * gradnorm.cl - the global norm of all gradients and the factor that clips it.
 *
 * Math       norm = sqrt(sum_i g_i^2)
 *            s    = min(1, limit / (norm + 1e-6)), or 1 when limit is 0
 * Shapes     g (n), any number of ranges; partial (P) sums of SPAN squares;
 *            out (2): norm, s
 * Work       gradnorm_partial: one group a SPAN of elements;
 *            gradnorm_finish: one group
 * Local      WG floats
 * Order      each item sums every eighth of its elements in order, those eight
 *            by a fixed tree, items and partial sums likewise: same device,
 *            same result
 * Reference  tests/ref/gradnorm.c, ref_gradnorm(); rel 1e-5
 * Source     torch.nn.utils.clip_grad_norm_, which adds the same 1e-6
 */
#ifndef SPAN
#define SPAN 16384 // elements of one partial sum
#endif

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
gradnorm_partial(__global float *restrict partial, const ulong p_off, /* out */
                 __global const float *restrict g, const ulong g_off, /* (n) */
                 const ulong n)
{
    __local float scratch[WG];
    const size_t first = (size_t)get_group_id(0) * SPAN;
    const size_t end = min((size_t)n, first + SPAN);
    float8 eight = (float8)(0.0f);
    float tail = 0.0f;
    for (size_t i = first + 8 * get_local_id(0); i < end; i += 8 * WG)
        if (i + 8 <= end) {
            const float8 x = vload8(0, g + g_off + i);
            eight += x * x;
        } else
            for (size_t j = i; j < end; j++)
                tail += g[g_off + j] * g[g_off + j];
    const float4 four = eight.lo + eight.hi;
    const float2 two = four.lo + four.hi;
    const float sum = group_sum(two.x + two.y + tail, scratch);
    if (get_local_id(0) == 0)
        partial[p_off + get_group_id(0)] = sum;
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
gradnorm_finish(__global float *restrict out, const ulong out_off, /* (2) */
                __global const float *restrict partial,            /* (P) in */
                const ulong p_off, const ulong P, const float limit)
{
    __local float scratch[WG];
    float sum = 0.0f;
    for (size_t i = get_local_id(0); i < P; i += WG)
        sum += partial[p_off + i];
    const float norm = sqrt(group_sum(sum, scratch));
    if (get_local_id(0) == 0) {
        out[out_off] = norm;
        out[out_off + 1] =
            limit > 0.0f ? fmin(1.0f, limit / (norm + 1e-6f)) : 1.0f;
    }
}
