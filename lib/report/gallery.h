/*
 * gallery.h - every figure of a report, drawn, or why it is not there.
 *
 * A file fig_NAME.c draws one figure, once for all runs where curves can be
 * laid over each other, else once a run or a layer.
 */
#ifndef REPORT_GALLERY_H
#define REPORT_GALLERY_H

#include "report/adapted.h"
#include "report/figure.h"
#include "report/folder.h"

struct report {
    struct folder *run;
    size_t runs;
    struct adapted adapted; // those among the runs
    const char *title;
};

enum { EXHIBIT_NAME = 96 };

/* So many jobs are named one by one; of more, such as those of a sweep, only
 * what they are together is told. */
enum { REPORT_NAMED = 16 };

/* Which part of the page shows it. */
enum section {
    SECTION_LAYERS,
    SECTION_LANGUAGES,
    SECTION_OVERLAP,
    SECTION_EXPERTS,
    SECTION_PARALLEL,
    SECTION_TRAINING,
    SECTION_EVALUATION,
    SECTIONS
};

struct exhibit {
    enum section section;
    char name[EXHIBIT_NAME]; // of its files, without ending
    struct figure figure;    // title and about are its caption
    bool more;               // for those who look further
    char *reason;            // not NULL: it was left out, and why
};

struct gallery {
    const struct report *report;
    struct exhibit *exhibit;
    size_t n, cap;
    bool failed;
};

/* Draw all there is data for.  MOE_ENOMEM. */
int gallery_draw(struct moe_err *err, struct gallery *g,
                 const struct report *report);
void gallery_free(struct gallery *g);

/* Add a figure, and take it over, or the reason why there is none.  The name
 * may hold anything; it is made safe and unique. */
void gallery_add(struct gallery *g, enum section section, struct figure *f,
                 const char *name, ...) MOE_PRINTF(4, 5);
void gallery_omit(struct gallery *g, enum section section, const char *name,
                  const char *reason);

/* The figure that was added last is one for those who look further. */
void gallery_more(struct gallery *g);

/* "-LABEL" of a run when there are several, else "". */
const char *gallery_suffix(const struct gallery *g, size_t run,
                           char out[EXHIBIT_NAME]);

/* The layers that a figure of one layer is drawn for: all of few, else the
 * first, the most specialised and the last three.  Returns their number. */
enum { GALLERY_LAYERS = 5 };
size_t gallery_layers(const struct folder *f, size_t layer[GALLERY_LAYERS]);

/* Draw those layers of every run that has the grid; the reason why not when
 * nothing was drawn. */
void
gallery_each_layer(struct gallery *g, enum folder_grid grid,
                   void (*draw)(struct gallery *g, size_t run, size_t layer),
                   enum section section, const char *name, const char *reason);

void fig_entropy(struct gallery *g);
void fig_jsd_mean(struct gallery *g);
void fig_jsd_heatmap(struct gallery *g);
void fig_specialization(struct gallery *g);
void fig_overlap(struct gallery *g);
void fig_correlation(struct gallery *g);
void fig_activation(struct gallery *g);
void fig_coactivation(struct gallery *g);
void fig_delta(struct gallery *g);
void fig_divergence(struct gallery *g);
void fig_consistency(struct gallery *g);
void fig_tau(struct gallery *g);
void fig_saturation(struct gallery *g);
void fig_adapted(struct gallery *g);
void fig_training(struct gallery *g);
void fig_evaluation(struct gallery *g);

#endif
