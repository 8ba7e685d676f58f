/*
 * fig_entropy.c - entropy of expert use over layers: the pivot language
 * against the mean of the others (study A, figure 2).
 */
#include "config.h"

#include "report/chart.h"
#include "report/curves.h"
#include "report/gallery.h"
#include "report/summary.h"

static void
add_run(struct chart *c, const struct folder *f, const char *label,
        enum folder_grid grid)
{
    const bool pivot = f->pivot < f->n;
    struct series *s =
        pivot ? curves_series(c, label, f->language[f->pivot], f->L) : NULL;
    for (size_t l = 0; s && l < f->L; l++)
        s->y[l] = folder_at(f, grid, l, f->pivot, 0);
    s = f->n > pivot
            ? curves_series(c, label, pivot ? "mean of the others" : "mean",
                            f->L)
            : NULL;
    for (size_t l = 0; s && l < f->L; l++)
        s->y[l] = summary_mean(f, grid, l, f->pivot);
}

static void
draw(struct gallery *g, enum folder_grid grid, const char *name,
     const char *title, const char *about)
{
    struct chart c = {.x_title = "layer", .y_title = "entropy (nats)"};
    const struct report *r = g->report;
    if (r->runs == 1)
        curves_quiet(&c, &r->run[0], grid);
    for (size_t i = 0; i < r->runs; i++)
        if (folder_has(&r->run[i], grid))
            add_run(&c, &r->run[i], curves_label(r, i), grid);
    curves_finish(g, &c, SECTION_LAYERS, name, title, about,
                  "no number of it in entropy.csv");
}

void
fig_entropy(struct gallery *g)
{
    draw(g, GRID_ENTROPY, "entropy", "Routing entropy of each layer",
         "Entropy of the top-k counts: high where tokens spread over many "
         "experts, low where few experts do the work. Thin grey lines, if "
         "any, are the single languages.");
    draw(g, GRID_ENTROPY_P, "entropy-probabilities",
         "Entropy of the mean probabilities",
         "The same of the router's mean probabilities over all experts.");
    gallery_more(g);
}
