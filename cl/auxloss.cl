/*
 * auxloss.cl - what the router's auxiliary losses are made of, and the
 * gradient that the balancing loss adds to every token's probabilities.
 *
 * Math       sums[e]      = sum_n probs[n,e]
 *            sums[E]      = sum_n lse[n]^2,  lse[n] = logsumexp_e(logits[n,:])
 *            balance[l,e] = scale count[l,e], or scale sum_l count[l,e] when
 *                           pooled
 * Shapes     probs, logits (N,E) f32   partial (P,E+1)   sums (E+1)
 *            count (L,E) i32   balance (L,E)
 * Work       auxloss_partial: one group per piece of ceil(N/P) tokens;
 *            auxloss_finish, auxloss_balance: items = E + 1, L * E
 * Local      WG floats
 * Order      tokens ascending inside a piece (squares by a fixed tree), then
 *            pieces ascending: same device, same result
 * Reference  tests/ref/auxloss.c, ref_auxloss(); rel 1e-5
 * Source     megablocks (olmoe branch) layers/moe.py; transformers,
 *            load_balancing_loss_func; see lib/train/auxloss.h
 */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
auxloss_partial(__global float *restrict partial, const ulong partial_at,
                __global const float *restrict probs, const ulong probs_at,
                __global const float *restrict logits, const ulong logits_at,
                const int N, const int E, const int piece)
{
    __local float scratch[WG];
    const int first = get_group_id(0) * piece;
    const int end = min(N, first + piece);
    __global float *out =
        partial + partial_at + get_group_id(0) * (size_t)(E + 1);

    for (int e = get_local_id(0); e < E; e += WG) {
        float sum = 0.0f;
        for (int n = first; n < end; n++)
            sum += probs[probs_at + (size_t)n * E + e];
        out[e] = sum;
    }

    float squares = 0.0f;
    for (int n = first + get_local_id(0); n < end; n += WG) {
        __global const float *row = logits + logits_at + (size_t)n * E;
        float top = row[0], sum = 0.0f;
        for (int e = 1; e < E; e++)
            top = fmax(top, row[e]);
        for (int e = 0; e < E; e++)
            sum += exp(row[e] - top);
        const float lse = top + log(sum);
        squares += lse * lse;
    }
    squares = group_sum(squares, scratch);
    if (get_local_id(0) == 0)
        out[E] = squares;
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
auxloss_finish(__global float *restrict sums, const ulong sums_at, /* (E+1) */
               __global const float *restrict partial, const ulong partial_at,
               const int P, const int E)
{
    const int e = get_global_id(0);
    if (e <= E) {
        float sum = 0.0f;
        for (int p = 0; p < P; p++)
            sum += partial[partial_at + (size_t)p * (E + 1) + e];
        sums[sums_at + e] = sum;
    }
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
auxloss_balance(__global float *restrict balance, const ulong balance_at,
                __global const int *restrict count, const ulong count_at,
                const int L, const int E, const float scale, const int pooled)
{
    const int i = get_global_id(0);
    if (i < L * E) {
        int n = count[count_at + i];
        if (pooled) {
            n = 0;
            for (int l = 0; l < L; l++)
                n += count[count_at + l * E + i % E];
        }
        balance[balance_at + i] = scale * (float)n;
    }
}
