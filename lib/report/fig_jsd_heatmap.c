/*
 * fig_jsd_heatmap.c - divergence of every pair of languages in one layer,
 * with values (study A, figure 4).
 */
#include "config.h"

#include <math.h>

#include "report/matrix.h"

/* One scale for all layers and runs, so that colours compare. */
static double
highest(const struct report *r)
{
    double top = 0;
    for (size_t i = 0; i < r->runs; i++) {
        const struct grid *g = &r->run[i].grid[GRID_JSD];
        if (g->v)
            top = fmax(top, matrix_highest(g->v, g->n[0] * g->n[1] * g->n[2]));
    }
    return top > 0 ? ceil(top * 20) / 20 : 0.05;
}

static void
draw(struct gallery *g, size_t run, size_t layer)
{
    const struct folder *f = &g->report->run[run];
    const char *const *names = (const char *const *)f->language;
    const struct matrix m = {
        .section = SECTION_LANGUAGES,
        .name = "jsd",
        .title = "Divergence between languages",
        .about = "Jensen-Shannon divergence of the top-k counts of each pair "
                 "of languages. Dark pairs use different experts, pale ones "
                 "the same.",
        .heat = {.rows = f->n,
                 .columns = f->n,
                 .value = f->grid[GRID_JSD].v + layer * f->n * f->n,
                 .row_name = names,
                 .column_name = names,
                 .scale_title = "JSD (nats)",
                 .hi = highest(g->report),
                 .lower = true,
                 .values = true}};
    matrix_add(g, run, layer, &m);
}

void
fig_jsd_heatmap(struct gallery *g)
{
    gallery_each_layer(g, GRID_JSD, draw, SECTION_LANGUAGES, "jsd-layer",
                       "no pair of languages in jsd.csv");
}
