/*
 * fig_activation.c - how often each language chooses each expert of one
 * layer, with the experts that were selected for it marked (study A,
 * figure 3).
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "report/gallery.h"
#include "report/heat.h"
#include "report/summary.h"

struct activation {
    double *share;         // (n,E)
    unsigned char *marked; // (n,E)
    size_t *expert;        // (E)
    double top;
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
        for (size_t e = 0; e < f->E; e++) {
            const double share = summary_share(f, layer, i, e);
            a->share[i * f->E + e] = share;
            a->top = isfinite(share) ? fmax(a->top, share) : a->top;
        }
        const int own = summary_experts(f, "seft", layer, i, a->expert);
        for (int k = 0; k < own; k++, a->marks++)
            a->marked[i * f->E + a->expert[k]] = 1;
    }
    return true;
}

static void
draw(struct gallery *g, size_t run, size_t layer)
{
    const struct folder *f = &g->report->run[run];
    struct activation a;
    struct figure figure;
    char title[128], scale[64], suffix[EXHIBIT_NAME];
    snprintf(scale, sizeof scale, "share of choices, layer %zu", layer);
    snprintf(title, sizeof title, "Expert use by language, layer %zu", layer);
    g->failed |= !fill(&a, f, layer);
    const struct heat h = {.rows = f->n,
                           .columns = f->E,
                           .value = a.share,
                           .row_name = (const char *const *)f->language,
                           .column_title = "expert",
                           .scale_title = scale,
                           .hi = a.top > 0 ? a.top : 1,
                           .marked = a.marks ? a.marked : NULL,
                           .mark_title = "selected for the language",
                           .cell_h = 16};
    if (!g->failed) {
        heat_draw(&figure, &h, title);
        figure_about(&figure,
                     "Share of each language's top-k choices in layer %zu "
                     "that go to each expert%s%s. %s",
                     layer, g->report->runs > 1 ? ", of " : "",
                     g->report->runs > 1 ? f->label : "",
                     !a.marks     ? "No expert is selected in this layer."
                     : f->experts ? "A mark is an expert of the language's "
                                    "own list (seft) in experts.json."
                                  : "A mark is an expert that one language "
                                    "uses more than any other by 0.01 or "
                                    "more.");
        gallery_add(g, SECTION_EXPERTS, &figure, "activation-layer%02zu%s",
                    layer, gallery_suffix(g, run, suffix));
    }
    free(a.share);
    free(a.marked);
    free(a.expert);
}

void
fig_activation(struct gallery *g)
{
    size_t layer[GALLERY_LAYERS], drawn = 0;
    for (size_t i = 0; i < g->report->runs; i++) {
        const struct folder *f = &g->report->run[i];
        const size_t n =
            folder_has(f, GRID_COUNT) ? gallery_layers(f, layer) : 0;
        for (size_t k = 0; k < n; k++, drawn++)
            draw(g, i, layer[k]);
    }
    if (!drawn)
        gallery_omit(g, SECTION_EXPERTS, "activation-layer", "no counts.csv");
}
