/*
 * schedule.c - the learning rate as a function of steps or tokens.
 */
#include "train/schedule.h"

#include <math.h>

static const double PI = 3.14159265358979323846;

double
schedule_rate(const struct schedule *s, uint64_t t)
{
    if (t < s->warmup) {
        double low = s->warm_floor * s->peak;
        return low + (s->peak - low) * (double)t / (double)s->warmup;
    }
    if (s->kind == SCHEDULE_CONSTANT)
        return s->peak;
    double low = s->floor * s->peak;
    if (t >= s->total)
        return low;
    double u = (double)(t - s->warmup) / (double)(s->total - s->warmup);
    if (s->kind == SCHEDULE_LINEAR)
        return s->peak - (s->peak - low) * u;
    return low + (s->peak - low) * (1 + cos(PI * u)) / 2;
}
