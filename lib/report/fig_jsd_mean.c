/*
 * fig_jsd_mean.c - mean pairwise divergence over layers, with and without
 * the pivot language (study A, figure 5).
 */
#include "config.h"

#include <stdio.h>

#include "report/curves.h"
#include "report/summary.h"

static void
add_run(struct chart *c, const struct folder *f, const char *label, bool high)
{
    char without[LABEL_BYTES] = "";
    if (f->pivot < f->n)
        snprintf(without, sizeof without, "without %.60s",
                 f->language[f->pivot]);
    struct series *s = curves_series(c, label, "all pairs", f->L);
    for (size_t l = 0; s && l < f->L; l++)
        s->y[l] = summary_jsd(f, l, high, false);
    s = *without ? curves_series(c, label, without, f->L) : NULL;
    for (size_t l = 0; s && l < f->L; l++)
        s->y[l] = summary_jsd(f, l, high, true);
}

static void
draw(struct gallery *g, bool high, const char *name, const char *title)
{
    struct chart c = {
        .x_title = "layer", .y_title = "mean JSD (nats)", .zero = true};
    const struct report *r = g->report;
    for (size_t i = 0; i < r->runs; i++)
        if (folder_has(&r->run[i], GRID_JSD) && (!high || r->run[i].grouped))
            add_run(&c, &r->run[i], curves_label(r, i), high);
    curves_finish(g, &c, SECTION_LAYERS, name, title,
                  "Mean Jensen-Shannon divergence of the expert use of two "
                  "languages, over all pairs and over those without the pivot "
                  "language. The most it can be is ln\u00a02 = 0.693.",
                  high ? "the languages are in no groups"
                       : "no pair of languages in jsd.csv");
}

void
fig_jsd_mean(struct gallery *g)
{
    draw(g, false, "mean-jsd", "Mean divergence between languages");
    draw(g, true, "mean-jsd-high",
         "Mean divergence between high-resource languages");
}
