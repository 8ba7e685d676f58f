/*
 * fig_saturation.c - share of the chosen experts that a second checkpoint
 * chooses too, over layers.
 */
#include "config.h"

#include "report/curves.h"

void
fig_saturation(struct gallery *g)
{
    const struct chart like = {.x_title = "layer",
                               .y_title = "router saturation"};
    curves_each_run(g, &like, SECTION_EXPERTS, GRID_SATURATION, "saturation",
                    "Router saturation against the second checkpoint",
                    "Mean share of a token's chosen experts that the second "
                    "checkpoint chooses too; the pivot language is in the "
                    "table.",
                    "no saturation.csv: it needs a second checkpoint");
}
