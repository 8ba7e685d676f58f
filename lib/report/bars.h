/*
 * bars.h - values of named rows as horizontal bars, some side by side.
 */
#ifndef REPORT_BARS_H
#define REPORT_BARS_H

#include "report/axes.h"

struct bars {
    size_t rows, sets;
    const char *const *row_name;
    const char *const *set_name; // shown when there are two or more
    const double *value;         // (rows, sets); a missing value is NaN
    const double *error;         // the same, standard errors, or NULL
    const char *x_title;
    double chance; // a line there; NaN: none
};

/* Begin f and draw. */
void bars_draw(struct figure *f, const struct bars *b, const char *title);

#endif
