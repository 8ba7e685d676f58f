/*
 * routing.h - what the comparisons of routing share.
 */
#ifndef TESTS_GOLDEN_ROUTING_H
#define TESTS_GOLDEN_ROUTING_H

#include "tests/golden/golden.h"

/* Where the model, the text and the reference numbers are: a folder of
 * reference numbers has them in its own places, the small one that is kept
 * with the tests refers to the sample data. */
struct routing_case {
    char numbers[512];  // directory of counts.csv and the rest
    char model[512];    // a checkpoint
    char tokens[512];   // files of the analysis, with %s for the language
    char text[512];     // files for counts_file.csv
    char parallel[512]; // parallel text, the same
    int window, max_tokens, sequences;
};

/* Compare got/NAME with numbers/NAME in all shared columns; a table that the
 * numbers lack is passed over. */
void routing_compare(struct golden *g, const struct routing_case *c,
                     const char *got, const char *name, double bound);

/* Compare got/experts.json with numbers/selected_experts.json key for key, if
 * there is one. */
int routing_selection(struct golden *g, struct moe_err *err,
                      const struct routing_case *c, const char *got);

/* The measures on the counts of the reference: no device. */
int routing_measures(struct golden *g, const struct routing_case *c,
                     struct moe_err *err);

#endif
