/*
 * fig_consistency.c - how alike the experts of the tokens of one sequence
 * are, over layers (study B).
 */
#include "config.h"

#include "report/curves.h"

void
fig_consistency(struct gallery *g)
{
    const struct chart like = {.x_title = "layer", .y_title = "Jaccard index"};
    static const char missing[] = "no consistency.csv: it needs parallel text";
    curves_each_run(g, &like, SECTION_PARALLEL, GRID_CONSISTENCY, "consistency",
                    "Consistency within a sequence",
                    "Mean Jaccard index of the expert sets of two tokens of a "
                    "sequence, over all pairs of tokens.",
                    missing);
    curves_each_run(g, &like, SECTION_PARALLEL, GRID_CONSISTENCY_NEAR,
                    "consistency-adjacent",
                    "Consistency of neighbouring tokens",
                    "The same over pairs of neighbouring tokens.", missing);
    const struct chart entropy = {.x_title = "layer",
                                  .y_title = "entropy (nats)"};
    curves_each_run(g, &entropy, SECTION_PARALLEL, GRID_SEQUENCE_ENTROPY,
                    "sequence-entropy", "Routing entropy of a sequence",
                    "Entropy of the mean probabilities of a sequence, averaged "
                    "over sequences. Study B finds it to fall with depth.",
                    missing);
}
