/*
 * student.c - Student's t distribution.
 */
#include "config.h"

#include "base/student.h"

#include <math.h>
#include <stdbool.h>

static const double PI = 3.14159265358979323846;

/* P(|T| <= t) for t >= 0.  With x = atan(t / sqrt(df)) the odd series begins
 * with cos x, the even one with 1. */
static double
within(double t, size_t df)
{
    const double x = atan2(t, sqrt((double)df)), c2 = cos(x) * cos(x);
    const bool odd = df % 2 == 1;
    double term = odd ? cos(x) : 1, sum = df > 1 ? term : 0;
    for (size_t k = odd ? 3 : 2; k + 2 <= df; k += 2) {
        term *= c2 * (double)(k - 1) / (double)k;
        sum += term;
    }
    return odd ? 2 / PI * (x + sin(x) * sum) : sin(x) * sum;
}

double
student_below(double t, size_t df)
{
    const double inside = within(fabs(t), df);
    return t < 0 ? (1 - inside) / 2 : (1 + inside) / 2;
}

double
student_two_sided(double alpha, size_t df)
{
    double low = 0, high = 1;
    while (1 - within(high, df) > alpha && high < 1e15)
        high *= 2;
    for (int i = 0; i < 200 && low < high; i++) {
        const double middle = low + (high - low) / 2;
        if (1 - within(middle, df) > alpha)
            low = middle;
        else
            high = middle;
    }
    return high;
}

struct sample
sample_of(const double *x, size_t n)
{
    struct sample s = {.n = n, .stderr_ = NAN};
    double squares = 0;
    for (size_t i = 0; i < n; i++)
        s.mean += x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - s.mean) * (x[i] - s.mean);
    if (n > 1)
        s.stderr_ = sqrt(squares / (double)(n - 1) / (double)n);
    return s;
}
