/*
 * summary.h - the numbers that figures, tables and findings share.
 */
#ifndef REPORT_SUMMARY_H
#define REPORT_SUMMARY_H

#include <polymoe/routing.h>

#include "report/folder.h"

/* Mean JSD of counts over pairs of a layer: of all languages or only the
 * high-resource ones, with or without those that hold the pivot.  NaN without
 * a pair. */
double summary_jsd(const struct folder *f, size_t layer, bool high,
                   bool without_pivot);

/* Mean of a (L,n) grid over the languages; `but` (or n) is left out. */
double summary_mean(const struct folder *f, enum folder_grid grid, size_t layer,
                    size_t but);

/* The layer of the highest, or lowest, specialisation; L without one. */
size_t summary_most_special(const struct folder *f);
size_t summary_least_special(const struct folder *f);

/* Layer with the highest (sign 1) or lowest (-1) value, L when all are NaN. */
size_t summary_extreme(const double *value, size_t n, double sign);

/* Share of a language's choices that go to an expert; NaN when missing. */
double summary_share(const struct folder *f, size_t layer, size_t language,
                     size_t expert);

/* Correlation of JSD with the Jaccard overlap in a layer, as study A takes
 * pairs: high-high and high-low; of all pairs without groups. */
struct moe_fit summary_overlap(const struct folder *f, size_t layer,
                               enum folder_grid overlap);
bool summary_is_pair(const struct folder *f, size_t a, size_t b);
bool summary_are_sisters(const struct folder *f, size_t a, size_t b);

/* The language nearest to one by JSD of counts in a layer, or n. */
size_t summary_nearest(const struct folder *f, size_t layer, size_t language);

/* Whose list of experts.json has a language's experts: its own, or that of a
 * language that takes them over; NULL without either. */
const char *summary_heir(const struct folder *f, size_t language);

/*
 * The experts that belong to a language in a layer, by experts.json (`list`
 * "seft", "ssft_k1", ...) or, without that file, by activation gap 0.01 over
 * all languages.  expert (E) gets them ascending; returns their number, or -1
 * when the layer or the language is not in the file.
 */
int summary_experts(const struct folder *f, const char *list, size_t layer,
                    size_t language, size_t *expert);

/* JSD that two samples of one distribution have by chance alone, about
 * (E - 1) / (4 choices); NaN without counts. */
double summary_noise(const struct folder *f, size_t layer, size_t language);

#endif
