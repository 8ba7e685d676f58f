/*
 * fig_coactivation.c - which experts of one layer are chosen together.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>

#include "report/gallery.h"
#include "report/heat.h"

static double
highest(const double *v, size_t n)
{
    double top = 0;
    for (size_t i = 0; i < n; i++)
        top = isfinite(v[i]) ? fmax(top, v[i]) : top;
    return top > 0 ? top : 1;
}

static void
draw(struct gallery *g, size_t run, size_t layer)
{
    const struct folder *f = &g->report->run[run];
    const double *v = f->grid[GRID_GIVEN].v + layer * f->E * f->E;
    char title[128], scale[80], suffix[EXHIBIT_NAME];
    struct figure figure;
    snprintf(scale, sizeof scale, "share of the row's tokens, layer %zu",
             layer);
    snprintf(title, sizeof title, "Experts chosen together, layer %zu", layer);
    const struct heat h = {.rows = f->E,
                           .columns = f->E,
                           .value = v,
                           .row_title = "expert",
                           .column_title = "together with expert",
                           .scale_title = scale,
                           .hi = highest(v, f->E * f->E)};
    heat_draw(&figure, &h, title);
    figure_about(&figure,
                 "Of the tokens that chose the expert of the row in layer "
                 "%zu%s%s, the share that chose the expert of the column "
                 "too. Pairs that never occur are grey.",
                 layer, g->report->runs > 1 ? " of " : "",
                 g->report->runs > 1 ? f->label : "");
    gallery_add(g, SECTION_EXPERTS, &figure, "coactivation-layer%02zu%s", layer,
                gallery_suffix(g, run, suffix));
}

void
fig_coactivation(struct gallery *g)
{
    size_t drawn = 0;
    for (size_t i = 0; i < g->report->runs; i++) {
        size_t layer[GALLERY_LAYERS];
        const struct folder *f = &g->report->run[i];
        const size_t n =
            folder_has(f, GRID_GIVEN) ? gallery_layers(f, layer) : 0;
        for (size_t k = 0; k < n; k++, drawn++)
            draw(g, i, layer[k]);
    }
    if (!drawn)
        gallery_omit(g, SECTION_EXPERTS, "coactivation-layer",
                     "no coactivation.csv");
}
