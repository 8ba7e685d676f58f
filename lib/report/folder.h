/*
 * folder.h - the results of one job, read from its folder alone.
 *
 * What a folder has no table for is absent, and every number in it that is
 * empty or missing is NaN.  The tables are those of polymoe-routing(7) and of
 * the other kinds of job; a folder of an earlier version lacks some.
 */
#ifndef REPORT_FOLDER_H
#define REPORT_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/csv.h"

enum folder_table {
    TABLE_LANGUAGES,
    TABLE_COUNTS,
    TABLE_PROBABILITIES,
    TABLE_ENTROPY,
    TABLE_JSD,
    TABLE_SPECIALIZATION,
    TABLE_LAYERS,
    TABLE_OVERLAP,
    TABLE_OVERLAP_CORRELATION,
    TABLE_COACTIVATION,
    TABLE_TOKEN_LAYERS,
    TABLE_TOKENS,
    TABLE_SELECTION,
    TABLE_PERPLEXITY,
    TABLE_DIVERGENCE,
    TABLE_CONSISTENCY,
    TABLE_DELTA,
    TABLE_TASK_EXPERTS,
    TABLE_TAU_SWEEP,
    TABLE_SATURATION,
    TABLE_SCORE_CORRELATION,
    TABLE_SCORES,
    TABLE_HELDOUT,
    TABLE_TEST,
    TABLE_EVALUATION,
    TABLES
};

/* Numbers by layer (L), language (n) and expert (E). */
enum folder_grid {
    GRID_COUNT,            // (L,n,E) top-k choices
    GRID_POOLED,           // (L,n,E) mean probability
    GRID_ENTROPY,          // (L,n) of counts, nats
    GRID_ENTROPY_P,        // (L,n) of probabilities
    GRID_JSD,              // (L,n,n) of counts, nats
    GRID_JSD_P,            // (L,n,n)
    GRID_SPECIAL,          // (L) all languages
    GRID_SPECIAL_HIGH,     // (L) high-resource ones
    GRID_JACCARD,          // (n,n)
    GRID_COEFFICIENT,      // (n,n)
    GRID_WEIGHTED,         // (n,n)
    GRID_ADJACENT,         // (L,E,E) at neighbouring ranks
    GRID_GIVEN,            // (L,E,E) share of the row's tokens that chose the
                           // column's expert too
    GRID_TOKEN_SPECIAL,    // (L,n)
    GRID_DIVERGENCE,       // (L,n) against the pivot
    GRID_CONSISTENCY,      // (L,n) all pairs
    GRID_CONSISTENCY_NEAR, // (L,n) neighbours
    GRID_SEQUENCE_ENTROPY, // (L,n) of parallel text, nats
    GRID_SATURATION,       // (L,n)
    GRID_PERPLEXITY,       // (n)
    GRID_TOKENS,           // (n)
    GRIDS
};

struct grid {
    double *v;   // NULL: no such table
    size_t n[3]; // 1 where there are fewer dimensions
};

struct folder {
    char *dir;       // as it was given
    char *label;     // a name for people, unique among those compared
    char *kind;      // of job, "" when not known
    json_t *record;  // run.json, or NULL
    json_t *experts; // experts.json, or NULL
    json_t *spec;    // object: the fields of spec.yaml that are one line
    json_t *steps;   // array: training steps of metrics.jsonl
    struct csv_table table[TABLES];
    bool has[TABLES];
    size_t L, n, E;
    char **language;    // n
    size_t *parent;     // n: place of the sister's, or n
    bool *high;         // n: in the high-resource group; all without groups
    bool grouped;       // languages are in groups
    bool parents_given; // else the pairs of study A
    size_t pivot;       // or n
    struct grid grid[GRIDS];
    char **warning; // of the job and of its log
    size_t warnings, warnings_cap;
};

/*
 * Read DIR/results and what lies beside it.
 *
 * MOE_EINPUT when there is no table at all; MOE_EFORMAT for a table that is
 * broken.  Empty after a failure.
 */
int folder_read(struct moe_err *err, struct folder *out, const char *dir);
void folder_free(struct folder *f);

/* A number, NaN where the folder has none. */
double folder_at(const struct folder *f, enum folder_grid grid, size_t i,
                 size_t j, size_t k);
bool folder_has(const struct folder *f, enum folder_grid grid);

/* A language's place, or n. */
size_t folder_language(const struct folder *f, const char *name);

/* A word of run.json, "" where it is missing: folder_word(f, "device",
 * "name"); within may be NULL. */
const char *folder_word(const struct folder *f, const char *within,
                        const char *key);

/* A column of a table, or -1. */
int folder_column(const struct folder *f, enum folder_table table,
                  const char *name);

/* ---- private to the files folder*.c */

int folder_warn(struct moe_err *err, struct folder *f, const char *fmt, ...)
    MOE_PRINTF(3, 4);
int folder_fill(struct moe_err *err, struct folder *f);   // grids
int folder_beside(struct moe_err *err, struct folder *f); // not tables
const char *folder_table_name(enum folder_table table);

#endif
