/*
 * fig_jsd_heatmap.c - divergence of every pair of languages in one layer,
 * with values (study A, figure 4).
 */
#include "config.h"

#include <math.h>
#include <stdio.h>

#include "report/gallery.h"
#include "report/heat.h"

/* One scale for all layers and runs, so that colours compare. */
static double
highest(const struct report *r)
{
    double top = 0;
    for (size_t i = 0; i < r->runs; i++) {
        const struct grid *g = &r->run[i].grid[GRID_JSD];
        for (size_t k = 0; g->v && k < g->n[0] * g->n[1] * g->n[2]; k++)
            top = isfinite(g->v[k]) ? fmax(top, g->v[k]) : top;
    }
    return top > 0 ? ceil(top * 20) / 20 : 0.05;
}

static void
draw(struct gallery *g, size_t run, size_t layer, double top)
{
    const struct folder *f = &g->report->run[run];
    char title[128], scale[64], suffix[EXHIBIT_NAME];
    struct figure figure;
    snprintf(scale, sizeof scale, "JSD (nats), layer %zu", layer);
    snprintf(title, sizeof title, "Divergence between languages, layer %zu",
             layer);
    const struct heat h = {.rows = f->n,
                           .columns = f->n,
                           .value = f->grid[GRID_JSD].v + layer * f->n * f->n,
                           .row_name = (const char *const *)f->language,
                           .column_name = (const char *const *)f->language,
                           .scale_title = scale,
                           .hi = top,
                           .lower = true,
                           .values = true};
    heat_draw(&figure, &h, title);
    figure_about(&figure,
                 "Jensen-Shannon divergence of the top-k counts of each pair "
                 "of languages in layer %zu%s%s: dark pairs use different "
                 "experts, pale ones the same.",
                 layer, g->report->runs > 1 ? " of " : "",
                 g->report->runs > 1 ? f->label : "");
    gallery_add(g, SECTION_LANGUAGES, &figure, "jsd-layer%02zu%s", layer,
                gallery_suffix(g, run, suffix));
}

void
fig_jsd_heatmap(struct gallery *g)
{
    const double top = highest(g->report);
    size_t layer[GALLERY_LAYERS], drawn = 0;
    for (size_t i = 0; i < g->report->runs; i++) {
        const struct folder *f = &g->report->run[i];
        const size_t n = folder_has(f, GRID_JSD) ? gallery_layers(f, layer) : 0;
        for (size_t k = 0; k < n; k++, drawn++)
            draw(g, i, layer[k], top);
    }
    if (!drawn)
        gallery_omit(g, SECTION_LANGUAGES, "jsd-layer",
                     "no pair of languages in jsd.csv");
}
