/*
 * study.h - the tables of a routing analysis that look at languages in groups,
 * at their vocabularies, and at what usage.h counts.
 */
#ifndef ROUTING_STUDY_H
#define ROUTING_STUDY_H

#include <polymoe/routing.h>

#include "base/csv.h"

#include "routing/usage.h"

/* A language of the table of the same place. */
struct study_language {
    const char *group;  // "high", "low" or ""
    const char *parent; // or ""
    int64_t sequences;  // of parallel text
    const struct usage *usage;
};

struct study {
    const struct moe_routing *r;
    const struct study_language *language; // r->n of them
    int64_t pivot;                         // its place, or -1
    const struct usage *total; // pairs of experts of all languages, or NULL
    char *(*text)(void *arg, int32_t id); // of a token, for the caller to free
    void *arg;
};

/*
 * Write languages.csv, layers.csv, overlap.csv, overlap_correlation.csv, and,
 * when they were counted, coactivation.csv, token_layers.csv,
 * token_specialization.csv and saturation.csv.
 */
int study_write(struct moe_err *err, const struct study *s, const char *dir);

/* One table of a study. */
struct study_table {
    const char *name, *header;
    int (*rows)(struct moe_err *err, struct csv *out, const struct study *s);
    bool wanted;
};

/* ---- The tables, by file ------------------------------------------------- */

int study_overlap(struct moe_err *err, struct csv *out, const struct study *s);
int study_correlation(struct moe_err *err, struct csv *out,
                      const struct study *s);
int study_layers(struct moe_err *err, struct csv *out, const struct study *s);

/* counts (n,E) of one layer. */
void study_counts(double *counts, const struct moe_routing *r, int64_t layer);

#endif
