/*
 * fig_divergence.c - divergence of each language from the pivot on parallel
 * text, over layers: the U of study B.
 */
#include "config.h"

#include "report/curves.h"

void
fig_divergence(struct gallery *g)
{
    const struct chart like = {
        .x_title = "layer", .y_title = "normalised divergence", .zero = true};
    curves_each_run(
        g, &like, SECTION_PARALLEL, GRID_DIVERGENCE, "divergence",
        "Divergence from the pivot language on parallel text",
        "Entropy-normalised Jensen-Shannon divergence of the mean "
        "probabilities of a sequence and its translation, averaged over "
        "sequences; from 0 to 1. Study B finds a U over depth: languages meet "
        "in the middle layers.",
        "no divergence.csv: it needs parallel text");
}
