/*
 * curves.h - what the figures of curves over layers share.
 */
#ifndef REPORT_CURVES_H
#define REPORT_CURVES_H

#include "report/chart.h"
#include "report/gallery.h"

/* The name of a run in a legend: NULL when there is only one. */
const char *curves_label(const struct report *r, size_t run);

/* A series named "NAME" or "RUN, NAME". */
struct series *curves_series(struct chart *c, const char *run, const char *name,
                             size_t n);

/* Every language of a (L,n) grid as a quiet line. */
void curves_quiet(struct chart *c, const struct folder *f,
                  enum folder_grid grid);

/* Every language of a (L,n) grid as a line of its own; `but` (or n) is left
 * out. */
void curves_languages(struct chart *c, const struct folder *f,
                      enum folder_grid grid, size_t but);

/* A (L) grid of every run as one line each, named `name`. */
void curves_runs(struct chart *c, const struct report *r, enum folder_grid grid,
                 const char *name);

/* One figure a run with every language of a (L,n) grid but the pivot, or a
 * reason why there is none. */
void curves_each_run(struct gallery *g, const struct chart *like,
                     enum section section, enum folder_grid grid,
                     const char *name, const char *title, const char *about,
                     const char *missing);

/* Draw, or say why not, and free the chart. */
void curves_finish(struct gallery *g, struct chart *c, enum section section,
                   const char *name, const char *title, const char *about,
                   const char *missing);

#endif
