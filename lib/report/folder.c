/*
 * folder.c - the results of one job, read from its folder alone.
 */
#include "config.h"

#include "report/folder.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static const char *const table_names[TABLES] = {
    [TABLE_LANGUAGES] = "languages",
    [TABLE_COUNTS] = "counts",
    [TABLE_PROBABILITIES] = "probabilities",
    [TABLE_ENTROPY] = "entropy",
    [TABLE_JSD] = "jsd",
    [TABLE_SPECIALIZATION] = "specialization",
    [TABLE_LAYERS] = "layers",
    [TABLE_OVERLAP] = "overlap",
    [TABLE_OVERLAP_CORRELATION] = "overlap_correlation",
    [TABLE_COACTIVATION] = "coactivation",
    [TABLE_TOKEN_LAYERS] = "token_layers",
    [TABLE_TOKENS] = "token_specialization",
    [TABLE_SELECTION] = "selection",
    [TABLE_PERPLEXITY] = "perplexity",
    [TABLE_DIVERGENCE] = "divergence",
    [TABLE_CONSISTENCY] = "consistency",
    [TABLE_DELTA] = "delta",
    [TABLE_TASK_EXPERTS] = "task_experts",
    [TABLE_TAU_SWEEP] = "tau_sweep",
    [TABLE_SATURATION] = "saturation",
    [TABLE_SCORE_CORRELATION] = "score_correlation",
    [TABLE_SCORES] = "scores",
    [TABLE_HELDOUT] = "heldout",
    [TABLE_TEST] = "test",
    [TABLE_EVALUATION] = "evaluation",
};

/* Study A's pairs, for folders that name none. */
static const char *const sisters[][2] = {
    {"ca", "es"}, {"et", "fi"}, {"mr", "hi"}, {"sk", "cs"},
    {"uk", "ru"}, {"ur", "ar"}, {"nl", "en"}};

const char *
folder_table_name(enum folder_table table)
{
    return table_names[table];
}

static int
no_memory(struct moe_err *err, const struct folder *f)
{
    return moe_fail(err, MOE_ENOMEM, "%s: out of memory", f->dir);
}

int
folder_warn(struct moe_err *err, struct folder *f, const char *fmt, ...)
{
    char line[MOE_ERR_TEXT];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    for (size_t i = 0; i < f->warnings; i++)
        if (strcmp(f->warning[i], line) == 0)
            return MOE_OK; // a job that went on says it again
    char **grown =
        mem_grow(f->warning, &f->warnings_cap, f->warnings + 1, sizeof *grown);
    if (!grown)
        return no_memory(err, f);
    f->warning = grown;
    grown[f->warnings] = str_copy(line);
    return grown[f->warnings++] ? MOE_OK : no_memory(err, f);
}

void
folder_free(struct folder *f)
{
    for (int t = 0; t < TABLES; t++)
        csv_table_free(&f->table[t]);
    for (int g = 0; g < GRIDS; g++)
        free(f->grid[g].v);
    for (size_t i = 0; i < f->n; i++)
        free(f->language[i]);
    for (size_t i = 0; i < f->warnings; i++)
        free(f->warning[i]);
    free(f->language);
    free(f->parent);
    free(f->high);
    free(f->warning);
    free(f->dir);
    free(f->label);
    free(f->kind);
    json_decref(f->record);
    json_decref(f->experts);
    json_decref(f->spec);
    json_decref(f->steps);
    *f = (struct folder){0};
}

/* ---- Looking up -----------------------------------------------------------
 */

double
folder_at(const struct folder *f, enum folder_grid grid, size_t i, size_t j,
          size_t k)
{
    const struct grid *g = &f->grid[grid];
    if (!g->v || i >= g->n[0] || j >= g->n[1] || k >= g->n[2])
        return NAN;
    return g->v[(i * g->n[1] + j) * g->n[2] + k];
}

bool
folder_has(const struct folder *f, enum folder_grid grid)
{
    return f->grid[grid].v != NULL;
}

size_t
folder_language(const struct folder *f, const char *name)
{
    size_t i = 0;
    while (i < f->n && strcmp(f->language[i], name) != 0)
        i++;
    return i;
}

const char *
folder_word(const struct folder *f, const char *within, const char *key)
{
    const json_t *from =
        within ? json_object_get(f->record, within) : f->record;
    const char *word = json_string_value(json_object_get(from, key));
    return word ? word : "";
}

int
folder_column(const struct folder *f, enum folder_table table, const char *name)
{
    size_t at;
    if (!f->has[table] || csv_column(NULL, &f->table[table], name, &at))
        return -1;
    return (int)at;
}

/* ---- Reading --------------------------------------------------------------
 */

static int
read_tables(struct moe_err *err, struct folder *f, const char *results)
{
    size_t found = 0;
    int rc = MOE_OK;
    for (int t = 0; !rc && t < TABLES; t++) {
        char *path = str_format("%s/%s.csv", results, table_names[t]);
        if (!path)
            return no_memory(err, f);
        f->has[t] = fs_exists(path);
        if (f->has[t])
            rc = csv_read(err, &f->table[t], path);
        found += f->has[t];
        free(path);
    }
    if (!rc && !found)
        rc = moe_fail(err, MOE_EINPUT, "%s: no table of a job found", results);
    return rc;
}

/* A sister by name; the language itself is none. */
static void
set_parent(struct folder *f, size_t i, const char *name)
{
    const size_t p = folder_language(f, name);
    if (i < f->n && p < f->n && p != i)
        f->parent[i] = p;
}

static void
read_groups(struct folder *f)
{
    const struct csv_table *t = &f->table[TABLE_LANGUAGES];
    const int name = folder_column(f, TABLE_LANGUAGES, "language");
    const int group = folder_column(f, TABLE_LANGUAGES, "group");
    const int parent = folder_column(f, TABLE_LANGUAGES, "parent");
    for (size_t r = 0; name >= 0 && r < t->rows; r++) {
        const size_t i = folder_language(f, csv_cell(t, r, (size_t)name));
        const char *word = group < 0 ? "" : csv_cell(t, r, (size_t)group);
        f->high[i] = strcmp(word, "high") == 0;
        f->grouped |= *word != '\0';
        if (parent >= 0 && *csv_cell(t, r, (size_t)parent)) {
            set_parent(f, i, csv_cell(t, r, (size_t)parent));
            f->parents_given = true;
        }
    }
    for (size_t i = 0; !f->grouped && i < f->n; i++)
        f->high[i] = true;
    for (size_t k = 0;
         !f->parents_given && k < sizeof sisters / sizeof *sisters; k++)
        set_parent(f, folder_language(f, sisters[k][0]), sisters[k][1]);
}

/* The language the others are compared with: the one that the job names, or
 * that has no divergence of its own, or English. */
static void
find_pivot(struct folder *f)
{
    f->pivot = folder_language(f, folder_word(f, NULL, "pivot"));
    for (size_t i = 0;
         f->pivot == f->n && folder_has(f, GRID_DIVERGENCE) && i < f->n; i++) {
        bool any = false;
        for (size_t l = 0; l < f->L; l++)
            any |= isfinite(folder_at(f, GRID_DIVERGENCE, l, i, 0));
        if (!any)
            f->pivot = i;
    }
    if (f->pivot == f->n)
        f->pivot = folder_language(f, "en");
}

static int
make_languages(struct moe_err *err, struct folder *f)
{
    f->parent = mem_zero(f->n, sizeof *f->parent);
    f->high = mem_zero(f->n + 1, sizeof *f->high);
    if (!f->parent || !f->high)
        return no_memory(err, f);
    for (size_t i = 0; i < f->n; i++)
        f->parent[i] = f->n;
    read_groups(f);
    find_pivot(f);
    return MOE_OK;
}

int
folder_read(struct moe_err *err, struct folder *out, const char *dir)
{
    *out = (struct folder){.dir = str_copy(dir)};
    char *results = str_path(dir, "results");
    int rc = out->dir && results ? MOE_OK : no_memory(err, out);
    if (!rc && !fs_is_dir(results))
        rc = moe_fail(err, MOE_EINPUT, "%s: No such folder", results);
    if (!rc)
        rc = read_tables(err, out, results);
    if (!rc)
        rc = folder_beside(err, out);
    if (!rc)
        rc = folder_fill(err, out);
    if (!rc)
        rc = make_languages(err, out);
    free(results);
    if (rc)
        folder_free(out);
    return rc;
}
