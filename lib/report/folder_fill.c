/*
 * folder_fill.c - tables by name become numbers by layer, language, expert.
 */
#include "config.h"

#include "report/folder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* More than any model has; a larger number is a broken file. */
enum { LARGEST = 1 << 16 };
static const uint64_t MOST_CELLS = 1 << 28;

/* A grid's source: the columns that give the place and the one with the
 * value.  A column that is missing in an older file leaves the grid absent. */
static const struct source {
    enum folder_grid grid;
    enum folder_table table;
    const char *value, *key[3];
} sources[] = {
    {GRID_COUNT, TABLE_COUNTS, "count", {"layer", "language", "expert"}},
    {GRID_POOLED,
     TABLE_PROBABILITIES,
     "mean_pooled",
     {"layer", "language", "expert"}},
    {GRID_ENTROPY, TABLE_ENTROPY, "entropy_counts", {"layer", "language"}},
    {GRID_ENTROPY_P,
     TABLE_ENTROPY,
     "entropy_probabilities",
     {"layer", "language"}},
    {GRID_JSD, TABLE_JSD, "jsd_counts", {"layer", "language_a", "language_b"}},
    {GRID_JSD_P,
     TABLE_JSD,
     "jsd_probabilities",
     {"layer", "language_a", "language_b"}},
    {GRID_SPECIAL, TABLE_SPECIALIZATION, "score", {"layer"}},
    {GRID_SPECIAL_HIGH, TABLE_SPECIALIZATION, "score_high", {"layer"}},
    {GRID_JACCARD, TABLE_OVERLAP, "jaccard", {"language_a", "language_b"}},
    {GRID_COEFFICIENT,
     TABLE_OVERLAP,
     "overlap_coefficient",
     {"language_a", "language_b"}},
    {GRID_WEIGHTED,
     TABLE_OVERLAP,
     "weighted_jaccard",
     {"language_a", "language_b"}},
    {GRID_ADJACENT,
     TABLE_COACTIVATION,
     "adjacent",
     {"layer", "expert_a", "expert_b"}},
    {GRID_GIVEN,
     TABLE_COACTIVATION,
     "b_given_a",
     {"layer", "expert_a", "expert_b"}},
    {GRID_TOKEN_SPECIAL,
     TABLE_TOKEN_LAYERS,
     "specialization",
     {"layer", "language"}},
    {GRID_DIVERGENCE, TABLE_DIVERGENCE, "divergence", {"layer", "language"}},
    {GRID_CONSISTENCY,
     TABLE_CONSISTENCY,
     "jaccard_all_pairs",
     {"layer", "language"}},
    {GRID_CONSISTENCY_NEAR,
     TABLE_CONSISTENCY,
     "jaccard_adjacent",
     {"layer", "language"}},
    {GRID_SEQUENCE_ENTROPY,
     TABLE_CONSISTENCY,
     "entropy",
     {"layer", "language"}},
    {GRID_SATURATION, TABLE_SATURATION, "saturation", {"layer", "language"}},
    {GRID_PERPLEXITY, TABLE_PERPLEXITY, "perplexity", {"language"}},
    {GRID_TOKENS, TABLE_LANGUAGES, "tokens", {"language"}},
};

static int
bad_cell(struct moe_err *err, const struct folder *f, enum folder_table table,
         size_t row, const char *column, const char *cell)
{
    return moe_fail(err, MOE_EFORMAT,
                    "%s/results/%s.csv:%zu: %s: '%.40s', want a number from 0 "
                    "to %d",
                    f->dir, folder_table_name(table), row + 2, column, cell,
                    LARGEST - 1);
}

/* ---- How many layers, languages, experts --------------------------------- */

static int
note_language(struct moe_err *err, struct folder *f, const char *name)
{
    size_t cap = f->n;
    if (folder_language(f, name) < f->n)
        return MOE_OK;
    char **grown = mem_grow(f->language, &cap, f->n + 1, sizeof *grown);
    if (grown)
        f->language = grown;
    char *copy = grown ? str_copy(name) : NULL;
    if (!copy)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", f->dir);
    f->language[f->n++] = copy;
    return MOE_OK;
}

/* The place that a cell names, in *at; languages are noted elsewhere. */
static int
place_of(struct moe_err *err, const struct folder *f, enum folder_table table,
         size_t row, size_t column, size_t *at)
{
    const struct csv_table *t = &f->table[table];
    const char *cell = csv_cell(t, row, column);
    if (strncmp(t->header[column], "language", 8) == 0) {
        *at = folder_language(f, cell);
        return MOE_OK;
    }
    const double x = csv_number(t, row, column);
    if (!(x >= 0 && x < LARGEST && x == floor(x)))
        return bad_cell(err, f, table, row, t->header[column], cell);
    *at = (size_t)x;
    return MOE_OK;
}

static int
count_key(struct moe_err *err, struct folder *f, const struct source *s,
          const char *key)
{
    const struct csv_table *t = &f->table[s->table];
    const int column = folder_column(f, s->table, key);
    size_t *size = strcmp(key, "layer") == 0 ? &f->L : &f->E;
    int rc = MOE_OK;
    for (size_t r = 0; !rc && column >= 0 && r < t->rows; r++) {
        size_t at;
        if (strncmp(key, "language", 8) == 0) {
            rc = note_language(err, f, csv_cell(t, r, (size_t)column));
            continue;
        }
        rc = place_of(err, f, s->table, r, (size_t)column, &at);
        if (!rc && at + 1 > *size)
            *size = at + 1;
    }
    return rc;
}

static int
count_all(struct moe_err *err, struct folder *f)
{
    int rc = MOE_OK;
    static const struct source languages = {
        GRID_TOKENS, TABLE_LANGUAGES, "tokens", {"language"}};
    rc = count_key(err, f, &languages, "language"); // the order of the spec
    for (size_t i = 0; !rc && i < sizeof sources / sizeof *sources; i++)
        for (int k = 0; !rc && k < 3 && sources[i].key[k]; k++)
            rc = count_key(err, f, &sources[i], sources[i].key[k]);
    return rc;
}

/* ---- Filling ---------------------------------------------------------------
 */

static size_t
size_of_key(const struct folder *f, const char *key)
{
    return !key                               ? 1
           : strcmp(key, "layer") == 0        ? f->L
           : strncmp(key, "language", 8) == 0 ? f->n
                                              : f->E;
}

static int
make_grid(struct moe_err *err, struct folder *f, const struct source *s)
{
    struct grid *g = &f->grid[s->grid];
    uint64_t cells, n[3];
    for (int k = 0; k < 3; k++)
        n[k] = g->n[k] = size_of_key(f, s->key[k]);
    if (!mem_product(&cells, n, 3) || cells > MOST_CELLS)
        return moe_fail(err, MOE_EFORMAT,
                        "%s: %s.csv: %zu layers, %zu languages and %zu experts "
                        "are too many",
                        f->dir, folder_table_name(s->table), f->L, f->n, f->E);
    g->v = mem_zero(cells, sizeof *g->v);
    if (!g->v)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", f->dir);
    for (uint64_t i = 0; i < cells; i++)
        g->v[i] = NAN;
    return MOE_OK;
}

static double *
cell_at(struct grid *g, const size_t at[3])
{
    return &g->v[(at[0] * g->n[1] + at[1]) * g->n[2] + at[2]];
}

/* One row into its place, and of a symmetric table into the mirrored one. */
static int
take_row(struct moe_err *err, struct folder *f, const struct source *s,
         const int column[3], size_t row, double value, double mirrored)
{
    size_t at[3] = {0, 0, 0};
    int keys = 0;
    for (; keys < 3 && s->key[keys]; keys++) {
        int rc =
            place_of(err, f, s->table, row, (size_t)column[keys], &at[keys]);
        if (rc)
            return rc;
    }
    struct grid *g = &f->grid[s->grid];
    *cell_at(g, at) = value;
    const char *last = s->key[keys - 1];
    if (strcmp(last + strlen(last) - 2, "_b") == 0) {
        const size_t swap = at[keys - 1];
        at[keys - 1] = at[keys - 2];
        at[keys - 2] = swap;
        *cell_at(g, at) = mirrored;
    }
    return MOE_OK;
}

static int
fill_grid(struct moe_err *err, struct folder *f, const struct source *s)
{
    const struct csv_table *t = &f->table[s->table];
    const int value = folder_column(f, s->table, s->value);
    const int other =
        s->grid == GRID_GIVEN ? folder_column(f, s->table, "a_given_b") : value;
    int column[3];
    bool whole = value >= 0 && other >= 0 && t->rows;
    for (int k = 0; k < 3 && s->key[k]; k++) {
        column[k] = folder_column(f, s->table, s->key[k]);
        whole &= column[k] >= 0;
    }
    int rc = whole ? make_grid(err, f, s) : MOE_OK;
    for (size_t r = 0; whole && !rc && r < t->rows; r++)
        rc = take_row(err, f, s, column, r, csv_number(t, r, (size_t)value),
                      csv_number(t, r, (size_t)other));
    return rc;
}

int
folder_fill(struct moe_err *err, struct folder *f)
{
    int rc = count_all(err, f);
    for (size_t i = 0; !rc && i < sizeof sources / sizeof *sources; i++)
        rc = fill_grid(err, f, &sources[i]);
    return rc;
}
