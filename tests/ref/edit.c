/*
 * edit.c - a router's logits changed by rule, in double.
 */
#include "tests/ref/ref.h"

#include <math.h>

static double
lift(double b, double y)
{
    return fmax(b, ldexp(fmax(1, fabs(y)), -20));
}

/* The log-sum-exp of a row. */
static double
log_mass(const float *x, int64_t E)
{
    double sum = 0;
    for (int64_t e = 0; e < E; e++)
        sum += exp((double)x[e] - (double)x[0]);
    return (double)x[0] + log(sum);
}

static double
deviation(const float *x, int64_t E)
{
    double mean = 0, square = 0;
    for (int64_t e = 0; e < E; e++)
        mean += (double)x[e] / (double)E;
    for (int64_t e = 0; e < E; e++)
        square += pow((double)x[e] - mean, 2);
    return sqrt(square / (double)E);
}

void
ref_edit_forward(double *y, const float *logits, const int32_t *rule,
                 const float *value, int64_t N, int64_t E, bool normalise)
{
    for (int64_t n = 0; n < N; n++, logits += E, y += E) {
        double shift = normalise ? log_mass(logits, E) : 0;
        double s = deviation(logits, E), top = -INFINITY, low = INFINITY;
        for (int64_t e = 0; e < E; e++) {
            top = fmax(top, (double)logits[e] - shift);
            low = fmin(low, (double)logits[e] - shift);
        }
        for (int64_t e = 0; e < E; e++) {
            double a = (double)value[3 * e], b = (double)value[3 * e + 1];
            double c = (double)value[3 * e + 2];
            switch (rule[e]) {
            case 0:
                y[e] = a * ((double)logits[e] - shift) + b + c * s;
                break;
            case 1:
                y[e] = top + lift(b, top);
                break;
            case 2:
                y[e] = low - lift(b, low);
                break;
            default:
                y[e] = -INFINITY;
            }
        }
    }
}

void
ref_edit_backward(double *dlogits, const float *dy, const int32_t *rule,
                  const float *value, int64_t N, int64_t E)
{
    for (int64_t i = 0; i < N * E; i++)
        dlogits[i] =
            rule[i % E] == 3 ? 0 : (double)dy[i] * (double)value[3 * (i % E)];
}
