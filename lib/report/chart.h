/*
 * chart.h - curves over layers, or over steps.
 *
 *     struct chart c = {.x_title = "layer", .y_title = "entropy (nats)"};
 *     struct series *s = chart_series(&c, "ca", L);
 *     s->y[l] = ...;
 *     chart_draw(&f, &c, "Entropy");
 *     chart_free(&c);
 */
#ifndef REPORT_CHART_H
#define REPORT_CHART_H

#include "report/axes.h"

struct series {
    char name[LABEL_BYTES];
    double *x, *y; // n; a missing value is NaN
    size_t n;
    int ink;
    enum dash dash;
    enum mark mark;
    double width;
    bool quiet; // in the background, neither labelled nor in the legend
};

struct chart {
    const char *x_title, *y_title;
    struct series *series;
    size_t n, cap, quiet; // quiet: series in the background
    bool steps;           // x are not layers: no marks, any tick
    bool zero;            // y begins at 0
    bool signed_y;        // y from -1 to 1, with a line at 0
    double width;         // 0: 480
    double wide_label;    // share of the width from which names go to a legend
    bool failed;
};

/* A series of n values, all missing, x counting from 0, in the next style.
 * NULL without memory. */
struct series *chart_series(struct chart *c, const char *name, size_t n);

/* The same in the background: thin, grey, without a name in the figure, and
 * not counted among the styles. */
struct series *chart_quiet(struct chart *c, const char *name, size_t n);

/* Whether any series has a value. */
bool chart_has_data(const struct chart *c);

/* Begin f and draw.  Names stand at the end of their curve, or in a legend
 * above when they are wide. */
void chart_draw(struct figure *f, const struct chart *c, const char *title);
void chart_free(struct chart *c);

#endif
