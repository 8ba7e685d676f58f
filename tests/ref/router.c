/*
 * router.c - probabilities and the choice of the best K, and what reads
 * them backwards, in double.
 */
#include "tests/ref/ref.h"

#include <math.h>

/* Softmax of a row; false when it has a NaN or +inf. */
static bool
softmax(double *p, const float *x, int64_t E)
{
    double top = -INFINITY, sum = 0;
    for (int64_t e = 0; e < E; e++) {
        if (isnan(x[e]) || (isinf(x[e]) && x[e] > 0))
            return false;
        if ((double)x[e] > top)
            top = (double)x[e];
    }
    for (int64_t e = 0; e < E; e++) {
        p[e] = isinf(x[e]) ? 0 : exp((double)x[e] - top);
        sum += p[e];
    }
    for (int64_t e = 0; e < E; e++)
        p[e] = sum > 0 ? p[e] / sum : 0;
    return true;
}

/* The best expert that is not among the first k of idx.  Compared as f32
 * numbers: what is too small for these is a tie, as on the device. */
static int32_t
best(const double *p, const int32_t *idx, int64_t k, int64_t E)
{
    int32_t at = -1;
    for (int32_t e = 0; e < E; e++) {
        bool taken = false;
        for (int64_t j = 0; j < k; j++)
            taken |= idx[j] == e;
        if (!taken && (at < 0 || (float)p[e] > (float)p[at]))
            at = e;
    }
    return at;
}

void
ref_router_forward(double *probs, int32_t *idx, double *weight,
                   const float *logits, int64_t N, int64_t E, int64_t K,
                   bool renorm)
{
    for (int64_t n = 0; n < N; n++) {
        double *p = probs + n * E, total = 0;
        bool good = softmax(p, logits + n * E, E);
        for (int64_t e = 0; e < E && !good; e++)
            p[e] = NAN;
        for (int64_t k = 0; k < K; k++) {
            idx[n * K + k] = good ? best(p, idx + n * K, k, E) : -1;
            weight[n * K + k] = good ? p[idx[n * K + k]] : 0;
            total += weight[n * K + k];
        }
        for (int64_t k = 0; k < K && renorm && total > 0; k++)
            weight[n * K + k] /= total;
    }
}

/* dp (E) of one token from its weights, through the choice. */
static void
through_choice(double *dp, const float *dweight, const double *p,
               const int32_t *idx, int64_t K, bool renorm)
{
    double s = 0, mean = 0;
    for (int64_t k = 0; k < K; k++)
        s += p[idx[k]];
    renorm = renorm && s > 0;
    for (int64_t k = 0; k < K && renorm; k++)
        mean += (double)dweight[k] * p[idx[k]] / s;
    for (int64_t k = 0; k < K; k++)
        dp[idx[k]] +=
            renorm ? ((double)dweight[k] - mean) / s : (double)dweight[k];
}

/* log sum_e exp(x[e]); 0 when every x is -inf. */
static double
logsumexp(const float *x, int64_t E)
{
    double top = -INFINITY, sum = 0;
    for (int64_t e = 0; e < E; e++)
        top = fmax(top, (double)x[e]);
    for (int64_t e = 0; e < E && top > -INFINITY; e++)
        sum += exp((double)x[e] - top);
    return top > -INFINITY ? top + log(sum) : 0;
}

void
ref_router_backward(double *dlogits, const float *dweight, const float *balance,
                    const float *logits, const double *probs,
                    const int32_t *idx, double z, int64_t N, int64_t E,
                    int64_t K, bool renorm)
{
    for (int64_t n = 0; n < N; n++) {
        const double *p = probs + n * E;
        double *dx = dlogits + n * E, mean = 0;
        for (int64_t e = 0; e < E; e++)
            dx[e] = balance ? (double)balance[e] : 0;
        if (idx[n * K] >= 0)
            through_choice(dx, dweight + n * K, p, idx + n * K, K, renorm);
        for (int64_t e = 0; e < E; e++)
            mean += p[e] * dx[e];
        for (int64_t e = 0; e < E; e++)
            dx[e] =
                p[e] * (dx[e] - mean + 2 * z * logsumexp(logits + n * E, E));
    }
}

double
ref_router_loss(const float *dweight, const float *balance, const float *logits,
                double *probs, int32_t *idx, double *weight, double z,
                int64_t N, int64_t E, int64_t K, bool renorm)
{
    double loss = 0;
    ref_router_forward(probs, idx, weight, logits, N, E, K, renorm);
    for (int64_t i = 0; i < N * K; i++)
        loss += (double)dweight[i] * weight[i];
    for (int64_t i = 0; i < N * E && balance; i++)
        loss += (double)balance[i % E] * probs[i];
    for (int64_t n = 0; n < N; n++)
        loss += z * pow(logsumexp(logits + n * E, E), 2);
    return loss;
}
