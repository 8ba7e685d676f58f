/*
 * attention.c - causal attention and its gradients, in double.
 */
#include "tests/ref/ref.h"

#include <math.h>

static double
score(const float *q, const float *k, int64_t S)
{
    double x = 0;
    for (int64_t s = 0; s < S; s++)
        x += (double)q[s] * (double)k[s];
    return x / sqrt((double)S);
}

/* One query row over keys 0 .. t, which are G S apart; returns lse. */
static double
attend(double *out, const float *q, const float *k, const float *v, int64_t t,
       int64_t step, int64_t S)
{
    double top = -INFINITY, sum = 0;
    for (int64_t u = 0; u <= t; u++)
        top = fmax(top, score(q, k + u * step, S));
    for (int64_t s = 0; s < S; s++)
        out[s] = 0;
    for (int64_t u = 0; u <= t && top > -INFINITY; u++) {
        double p = exp(score(q, k + u * step, S) - top);
        sum += p;
        for (int64_t s = 0; s < S; s++)
            out[s] += p * (double)v[u * step + s];
    }
    for (int64_t s = 0; s < S && sum > 0; s++)
        out[s] /= sum;
    return top + log(sum);
}

void
ref_attention_forward(double *out, double *lse, const float *q, const float *k,
                      const float *v, int64_t B, int64_t T, int64_t H,
                      int64_t G, int64_t S)
{
    for (int64_t b = 0; b < B; b++)
        for (int64_t h = 0; h < H; h++)
            for (int64_t t = 0; t < T; t++) {
                int64_t row = ((b * T + t) * H + h) * S;
                int64_t keys = (b * T * G + h / (H / G)) * S;
                lse[(b * H + h) * T + t] =
                    attend(out + row, q + row, k + keys, v + keys, t, G * S, S);
            }
}

void
ref_attention_packed(double *out, double *lse, const float *q, const float *k,
                     const float *v, const int32_t *key_row,
                     const int32_t *position, int64_t N, int64_t H, int64_t G,
                     int64_t S)
{
    for (int64_t n = 0; n < N; n++)
        for (int64_t h = 0; h < H; h++) {
            int64_t row = (n * H + h) * S, t = position[n];
            int64_t keys = ((key_row[n] - t) * G + h / (H / G)) * S;
            lse[h * N + n] =
                attend(out + row, q + row, k + keys, v + keys, t, G * S, S);
        }
}

/* What one query row t adds to the gradients, keys being step apart. */
static void
attend_backward(double *dq, double *dk, double *dv, const float *dout,
                const double *out, const float *q, const float *k,
                const float *v, double lse, int64_t t, int64_t step, int64_t S)
{
    double delta = 0;
    for (int64_t s = 0; s < S; s++)
        delta += (double)dout[s] * out[s];
    for (int64_t u = 0; u <= t && lse > -INFINITY; u++) {
        double p = exp(score(q, k + u * step, S) - lse), dp = 0;
        for (int64_t s = 0; s < S; s++)
            dp += (double)dout[s] * (double)v[u * step + s];
        double ds = p * (dp - delta) / sqrt((double)S);
        for (int64_t s = 0; s < S; s++) {
            dq[s] += ds * (double)k[u * step + s];
            dk[u * step + s] += ds * (double)q[s];
            dv[u * step + s] += p * (double)dout[s];
        }
    }
}

void
ref_attention_backward(double *dq, double *dk, double *dv, const float *dout,
                       const double *out, const float *q, const float *k,
                       const float *v, const double *lse, int64_t B, int64_t T,
                       int64_t H, int64_t G, int64_t S)
{
    for (int64_t i = 0; i < B * T * H * S; i++)
        dq[i] = 0;
    for (int64_t i = 0; i < B * T * G * S; i++)
        dk[i] = dv[i] = 0;
    for (int64_t b = 0; b < B; b++)
        for (int64_t h = 0; h < H; h++)
            for (int64_t t = 0; t < T; t++) {
                int64_t row = ((b * T + t) * H + h) * S;
                int64_t keys = (b * T * G + h / (H / G)) * S;
                attend_backward(dq + row, dk + keys, dv + keys, dout + row,
                                out + row, q + row, k + keys, v + keys,
                                lse[(b * H + h) * T + t], t, G * S, S);
            }
}
