/*
 * fig_specialization.c - how much an expert tells about the language, over
 * layers (study A).
 */
#include "config.h"

#include "report/curves.h"

static bool
grouped(const struct report *r)
{
    for (size_t i = 0; i < r->runs; i++)
        if (r->run[i].grouped)
            return true;
    return false;
}

void
fig_specialization(struct gallery *g)
{
    struct chart c = {
        .x_title = "layer", .y_title = "specialisation score", .zero = true};
    const bool groups = grouped(g->report);
    const char *all = groups                ? "all languages"
                      : g->report->runs > 1 ? ""
                                            : "all";
    curves_runs(&c, g->report, GRID_SPECIAL, all);
    if (groups)
        curves_runs(&c, g->report, GRID_SPECIAL_HIGH, "high-resource");
    curves_finish(g, &c, SECTION_LAYERS, "specialization",
                  "Language specialisation of each layer",
                  "Share of the uncertainty about a token's language that "
                  "knowing one of its experts removes: 0 when all languages "
                  "use the experts alike, 1 when no expert serves two.",
                  "no score in specialization.csv: it needs two languages");
}
