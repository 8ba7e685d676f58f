/*
 * auxloss.c - the router's losses in double, from logits alone.
 */
#include "tests/ref/ref.h"

#include <math.h>
#include <stdbool.h>

static double
lse(const double *row, int64_t E)
{
    double top = row[0], sum = 0;
    for (int64_t e = 1; e < E; e++)
        top = fmax(top, row[e]);
    for (int64_t e = 0; e < E; e++)
        sum += exp(row[e] - top);
    return top + log(sum);
}

double
ref_auxloss(const double *logits, const int32_t *count, bool hf, double weight,
            double z, bool z_div_topk, int64_t L, int64_t N, int64_t E,
            int64_t K)
{
    double balance = 0, squares = 0;
    double LN = (double)L * (double)N;
    for (int64_t l = 0; l < L; l++)
        for (int64_t n = 0; n < N; n++) {
            const double *row = logits + (l * N + n) * E;
            double s = lse(row, E);
            squares += s * s;
            for (int64_t e = 0; e < E; e++) {
                double chosen = count[l * E + e];
                for (int64_t o = 0; hf && o < L; o++)
                    chosen += o == l ? 0 : count[o * E + e];
                balance += chosen * exp(row[e] - s);
            }
        }
    balance *=
        hf ? (double)E / (LN * LN) : (double)E / (LN * (double)K * (double)N);
    squares /= LN * (z_div_topk ? (double)K : 1);
    return weight * balance + z * squares;
}
