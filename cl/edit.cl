/*
 * edit.cl - a router's logits changed by rule, per expert, before the choice.
 *
 * Math       x        = logits[n,:], minus their log-sum-exp when `normalise`
 *            top, low = the largest and smallest of x; s = their deviation,
 *                       over E
 *            logits[n,e] becomes, by rule[e], with (a, b, c) = value[e,:]
 *              0  a x[e] + b + c s
 *              1  top + lift(b, top)
 *              2  low - lift(b, low)
 *              3  -inf
 *            lift(b, y) = max(b, 2^-20 max(1, |y|)): 8 units in the last place
 *            survive the rounding here and that of exp, so a forced expert
 *            comes before every other, and the opposite after them
 *            backward: dlogits[n,e] *= a for rule 0 (c = 0), 0 for rule 3
 * Shapes     logits, dlogits (N, E) f32 in, out   rule (E) i32
 *            value (E, 3) f32
 * Work       one group per token: global = N * WG; edit_backward an item per
 *            element
 * Local      WG floats
 * Order      sums over experts as group_sum()
 * Reference  tests/ref/edit.c; abs 1e-6, rel 1e-6
 * Source     arXiv:2510.04694, equations 4 and 5 (rules 0 to 2); the
 *            restriction of training to some experts (3)
 */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
edit_forward(__global float *logits, const ulong logits_at,     // (N, E)
             __global const int *rule, const ulong rule_at,     // (E)
             __global const float *value, const ulong value_at, // (E, 3)
             const int E, const int normalise)
{
    __local float scratch[WG];
    const size_t n = get_group_id(0);
    const int l = get_local_id(0);
    __global float *x = logits + logits_at + n * E;
    rule += rule_at;
    value += value_at;

    float top = -INFINITY, low = -INFINITY; // of x, and of -x
    float sum = 0.0f;
    for (int e = l; e < E; e += WG) {
        top = fmax(top, x[e]);
        low = fmax(low, -x[e]);
        sum += x[e];
    }
    top = group_max(top, scratch);
    low = -group_max(low, scratch);
    const float mean = group_sum(sum, scratch) / E;
    float square = 0.0f, mass = 0.0f;
    for (int e = l; e < E; e += WG) {
        square += (x[e] - mean) * (x[e] - mean);
        mass += exp(x[e] - top);
    }
    const float s = sqrt(group_sum(square, scratch) / E);
    mass = group_sum(mass, scratch);
    const float shift = normalise ? top + log(mass) : 0.0f;
    top -= shift;
    low -= shift;

    const float above = ldexp(fmax(1.0f, fabs(top)), -20);
    const float below = ldexp(fmax(1.0f, fabs(low)), -20);
    for (int e = l; e < E; e += WG) {
        __global const float *v = value + 3 * e;
        float y = v[0] * (x[e] - shift) + v[1] + v[2] * s;
        y = rule[e] == 1 ? top + fmax(v[1], above) : y;
        y = rule[e] == 2 ? low - fmax(v[1], below) : y;
        x[e] = rule[e] == 3 ? -INFINITY : y;
    }
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
edit_backward(__global float *dlogits, const ulong dlogits_at,   // (N, E)
              __global const int *rule, const ulong rule_at,     // (E)
              __global const float *value, const ulong value_at, // (E, 3)
              const ulong n, const int E)
{
    const size_t i = get_global_id(0);
    if (i < n) {
        const int e = (int)(i % E);
        const float a = value[value_at + 3 * e];
        const float d = dlogits[dlogits_at + i];
        dlogits[dlogits_at + i] = rule[rule_at + e] == 3 ? 0.0f : a * d;
    }
}
