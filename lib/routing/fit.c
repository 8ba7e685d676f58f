/*
 * fit.c - a straight line through points, and their correlation.
 */
#include <polymoe/routing.h>

#include <math.h>

static double
mean(const double *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

struct moe_fit
moe_linear_fit(const double *x, const double *y, int64_t n)
{
    struct moe_fit fit = {NAN, NAN, NAN, n};
    if (n < 2)
        return fit;
    const double mx = mean(x, n), my = mean(y, n);
    double xx = 0, yy = 0, xy = 0;
    for (int64_t i = 0; i < n; i++) {
        xx += (x[i] - mx) * (x[i] - mx);
        yy += (y[i] - my) * (y[i] - my);
        xy += (x[i] - mx) * (y[i] - my);
    }
    if (!(xx > 0))
        return fit;
    fit.slope = xy / xx;
    fit.intercept = my - fit.slope * mx;
    if (yy > 0)
        fit.r = fmax(-1, fmin(1, xy / sqrt(xx) / sqrt(yy)));
    return fit;
}
