/*
 * fig_coactivation.c - which experts of one layer are chosen together: as any
 * two of a token's experts, and as neighbours in its ranking, which is what
 * the scripts published with OLMoE count.
 */
#include "config.h"

#include <stdlib.h>

#include "base/mem.h"
#include "report/matrix.h"

static void
add(struct gallery *g, size_t run, size_t layer, struct matrix m,
    const double *v)
{
    const size_t E = g->report->run[run].E;
    const double top = matrix_highest(v, E * E);
    m.section = SECTION_EXPERTS;
    m.heat = (struct heat){.rows = E,
                           .columns = E,
                           .value = v,
                           .row_title = "expert",
                           .column_title = "together with expert",
                           .scale_title = "share of the row's tokens",
                           .hi = top > 0 ? top : 1};
    matrix_add(g, run, layer, &m);
}

static void
draw_all(struct gallery *g, size_t run, size_t layer)
{
    const struct folder *f = &g->report->run[run];
    const struct matrix m = {
        .name = "coactivation",
        .title = "Experts chosen together",
        .about = "of the tokens that chose the expert of the row, the share "
                 "that chose the expert of the column too. Pairs that never "
                 "occur are grey."};
    add(g, run, layer, m, f->grid[GRID_GIVEN].v + layer * f->E * f->E);
}

/* Tokens of all languages that chose an expert. */
static double
chosen(const struct folder *f, size_t layer, size_t expert)
{
    double sum = 0;
    for (size_t i = 0; i < f->n; i++)
        sum += folder_at(f, GRID_COUNT, layer, i, expert);
    return sum;
}

static void
draw_adjacent(struct gallery *g, size_t run, size_t layer)
{
    const struct folder *f = &g->report->run[run];
    double *v = mem_zero(f->E * f->E + 1, sizeof *v);
    const struct matrix m = {
        .name = "coactivation-adjacent",
        .title = "Experts at neighbouring ranks",
        .about = "of the tokens that chose the expert of the row, the share "
                 "that ranked the expert of the column right before or after "
                 "it: the variant of the scripts published with OLMoE."};
    g->failed |= !v;
    for (size_t a = 0; v && a < f->E; a++)
        for (size_t b = 0; b < f->E; b++)
            v[a * f->E + b] =
                folder_at(f, GRID_ADJACENT, layer, a, b) / chosen(f, layer, a);
    if (v)
        add(g, run, layer, m, v);
    gallery_more(g);
    free(v);
}

void
fig_coactivation(struct gallery *g)
{
    gallery_each_layer(g, GRID_GIVEN, draw_all, SECTION_EXPERTS,
                       "coactivation-layer", "no coactivation.csv");
    gallery_each_layer(g, GRID_ADJACENT, draw_adjacent, SECTION_EXPERTS,
                       "coactivation-adjacent-layer", "no coactivation.csv");
}
