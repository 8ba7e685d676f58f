/*
 * fig_activation.c - how often each language chooses each expert of one
 * layer, with the experts that were selected for it marked (study A,
 * figure 3), and the mean probability that its router gives them.
 */
#include "config.h"

#include <stdlib.h>

#include "base/mem.h"
#include "report/matrix.h"
#include "report/summary.h"

struct activation {
    double *share;         // (n,E)
    unsigned char *marked; // (n,E)
    size_t *expert;        // (E)
    size_t marks;
};

static bool
fill(struct activation *a, const struct folder *f, size_t layer)
{
    *a = (struct activation){.share = mem_zero(f->n * f->E, sizeof *a->share),
                             .marked = mem_zero(f->n * f->E, 1),
                             .expert = mem_zero(f->E, sizeof *a->expert)};
    if (!a->share || !a->marked || !a->expert)
        return false;
    for (size_t i = 0; i < f->n; i++) {
        for (size_t e = 0; e < f->E; e++)
            a->share[i * f->E + e] = summary_share(f, layer, i, e);
        const int own = summary_experts(f, "seft", layer, i, a->expert);
        for (int k = 0; k < own; k++, a->marks++)
            a->marked[i * f->E + a->expert[k]] = 1;
    }
    return true;
}

static struct heat
heat_of(const struct folder *f, const double *v)
{
    const double top = matrix_highest(v, f->n * f->E);
    return (struct heat){.rows = f->n,
                         .columns = f->E,
                         .value = v,
                         .row_name = (const char *const *)f->language,
                         .column_title = "expert",
                         .hi = top > 0 ? top : 1,
                         .cell_h = 16};
}

static void
draw(struct gallery *g, size_t run, size_t layer)
{
    const struct folder *f = &g->report->run[run];
    struct activation a;
    const bool ok = fill(&a, f, layer);
    g->failed |= !ok;
    if (ok) {
        struct matrix m = {
            .section = SECTION_EXPERTS,
            .name = "activation",
            .title = "Expert use by language",
            .about = !a.marks ? "share of each language's top-k choices that "
                                "go to each expert. None is selected here."
                     : f->experts
                         ? "share of each language's top-k choices that "
                           "go to each expert. A mark is one that "
                           "belongs to the language by experts.json."
                         : "share of each language's top-k choices that "
                           "go to each expert. A mark is one that the "
                           "language uses more than any other by 0.01 or "
                           "more.",
            .heat = heat_of(f, a.share)};
        m.heat.scale_title = "share of choices";
        m.heat.marked = a.marks ? a.marked : NULL;
        m.heat.mark_title = "belongs to the language";
        matrix_add(g, run, layer, &m);
    }
    free(a.share);
    free(a.marked);
    free(a.expert);
}

static void
draw_probability(struct gallery *g, size_t run, size_t layer)
{
    const struct folder *f = &g->report->run[run];
    struct matrix m = {
        .section = SECTION_EXPERTS,
        .name = "probability",
        .title = "Router probability by language",
        .about = "mean over a language's tokens of the softmax over all "
                 "experts, which is how study A's text defines routing.",
        .heat = heat_of(f, f->grid[GRID_POOLED].v + layer * f->n * f->E)};
    m.heat.scale_title = "mean probability";
    matrix_add(g, run, layer, &m);
    gallery_more(g);
}

void
fig_activation(struct gallery *g)
{
    gallery_each_layer(g, GRID_COUNT, draw, SECTION_EXPERTS, "activation-layer",
                       "no counts.csv");
    gallery_each_layer(g, GRID_POOLED, draw_probability, SECTION_EXPERTS,
                       "probability-layer", "no probabilities.csv");
}
