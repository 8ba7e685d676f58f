/*
 * matrix.c - a heat map of one layer of one run, as an exhibit.
 */
#include "config.h"

#include "report/matrix.h"

#include <math.h>
#include <stdio.h>

void
matrix_add(struct gallery *g, size_t run, size_t layer, const struct matrix *m)
{
    const struct report *r = g->report;
    char title[128], scale[96], suffix[EXHIBIT_NAME];
    struct heat heat = m->heat;
    struct figure f;
    snprintf(title, sizeof title, "%.90s, layer %zu", m->title, layer);
    snprintf(scale, sizeof scale, "%.70s, layer %zu", heat.scale_title, layer);
    heat.scale_title = scale;
    heat_draw(&f, &heat, title);
    figure_about(&f, "Layer %zu%s%s: %s", layer, r->runs > 1 ? " of " : "",
                 r->runs > 1 ? r->run[run].label : "", m->about);
    gallery_add(g, m->section, &f, "%s-layer%02zu%s", m->name, layer,
                gallery_suffix(g, run, suffix));
}

double
matrix_highest(const double *v, size_t n)
{
    double top = 0;
    for (size_t i = 0; i < n; i++)
        top = isfinite(v[i]) ? fmax(top, v[i]) : top;
    return top;
}
