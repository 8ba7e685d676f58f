/*
 * fig_evaluation.c - a bar for each language and run, a figure for each task
 * and metric.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/bars.h"
#include "report/gallery.h"

/* What guessing scores, where it is known. */
static const struct {
    const char *task;
    double accuracy;
} chances[] = {{"multiblimp", 0.5},
               {"minimal_pairs", 0.5},
               {"belebele", 0.25},
               {"global_mmlu", 0.25}};

enum {
    COLUMN_TASK,
    COLUMN_LANGUAGE,
    COLUMN_METRIC,
    COLUMN_VALUE,
    COLUMN_ERROR
};

/* evaluation.csv of one run; column is -1 where it has none. */
struct evaluation {
    const struct csv_table *t;
    int column[5];
};

static bool
evaluation_of(struct evaluation *e, const struct folder *f)
{
    static const char *const names[] = {"task", "language", "metric", "value",
                                        "stderr"};
    e->t = &f->table[TABLE_EVALUATION];
    for (int i = 0; i < 5; i++)
        e->column[i] = folder_column(f, TABLE_EVALUATION, names[i]);
    for (int i = 0; i < COLUMN_ERROR; i++)
        if (e->column[i] < 0)
            return false;
    return true;
}

static const char *
cell(const struct evaluation *e, size_t row, int column)
{
    return csv_cell(e->t, row, (size_t)e->column[column]);
}

static bool
is_of(const struct evaluation *e, size_t row, const char *task,
      const char *metric)
{
    return strcmp(cell(e, row, COLUMN_TASK), task) == 0 &&
           strcmp(cell(e, row, COLUMN_METRIC), metric) == 0;
}

static double
chance_of(const char *task, const char *metric)
{
    for (size_t i = 0; i < sizeof chances / sizeof *chances; i++)
        if (strncmp(task, chances[i].task, strlen(chances[i].task)) == 0 &&
            strncmp(metric, "acc", 3) == 0)
            return chances[i].accuracy;
    return NAN;
}

struct rows {
    const char **name;
    double *value, *error; // (n, runs)
    size_t n, most;
};

static size_t
row_of(struct rows *rows, const char *name)
{
    size_t i = 0;
    while (i < rows->n && strcmp(rows->name[i], name) != 0)
        i++;
    if (i == rows->n && i < rows->most)
        rows->name[rows->n++] = name;
    return i;
}

static size_t
count_rows(const struct report *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->runs; i++)
        n += r->run[i].table[TABLE_EVALUATION].rows;
    return n;
}

static bool
rows_make(struct rows *rows, const struct report *r)
{
    const size_t most = count_rows(r), cells = most * r->runs;
    *rows = (struct rows){.name = mem_zero(most, sizeof *rows->name),
                          .value = mem_zero(cells, sizeof *rows->value),
                          .error = mem_zero(cells, sizeof *rows->error),
                          .most = most};
    if (!rows->name || !rows->value || !rows->error)
        return false;
    for (size_t i = 0; i < cells; i++)
        rows->value[i] = rows->error[i] = NAN;
    return true;
}

static void
rows_free(struct rows *rows)
{
    free(rows->name);
    free(rows->value);
    free(rows->error);
}

static void
fill(struct rows *rows, const struct report *r, const char *task,
     const char *metric)
{
    for (size_t i = 0; i < r->runs; i++) {
        struct evaluation e;
        if (!evaluation_of(&e, &r->run[i]))
            continue;
        for (size_t k = 0; k < e.t->rows; k++) {
            if (!is_of(&e, k, task, metric))
                continue;
            const size_t at =
                row_of(rows, cell(&e, k, COLUMN_LANGUAGE)) * r->runs + i;
            rows->value[at] =
                csv_number(e.t, k, (size_t)e.column[COLUMN_VALUE]);
            if (e.column[COLUMN_ERROR] >= 0)
                rows->error[at] =
                    csv_number(e.t, k, (size_t)e.column[COLUMN_ERROR]);
        }
    }
}

static void
draw(struct gallery *g, const char *task, const char *metric)
{
    const struct report *r = g->report;
    const char **label = mem_zero(r->runs, sizeof *label);
    struct rows rows = {0};
    struct figure f;
    char title[160], x_title[96];
    const bool made = rows_make(&rows, r);
    g->failed |= !label || !made;
    if (!g->failed) {
        fill(&rows, r, task, metric);
        for (size_t i = 0; i < r->runs; i++)
            label[i] = r->run[i].label;
        snprintf(title, sizeof title, "%.60s: %.60s", task, metric);
        snprintf(x_title, sizeof x_title, "%.40s (%.40s)", metric, task);
        const struct bars b = {.rows = rows.n,
                               .sets = r->runs,
                               .row_name = rows.name,
                               .set_name = label,
                               .value = rows.value,
                               .error = rows.error,
                               .x_title = x_title,
                               .chance = chance_of(task, metric)};
        bars_draw(&f, &b, title);
        figure_about(&f,
                     "Each language's %s in %s, with its standard error where "
                     "the table has one.%s",
                     metric, task,
                     isfinite(b.chance) ? " The dashed line is chance." : "");
        gallery_add(g, SECTION_EVALUATION, &f, "evaluation-%s-%s", task,
                    metric);
    }
    rows_free(&rows);
    free(label);
}

/* Whether task and metric of this row came up before it. */
static bool
seen_before(const struct report *r, size_t run, const struct evaluation *now,
            size_t row)
{
    for (size_t i = 0; i <= run; i++) {
        struct evaluation e;
        if (!evaluation_of(&e, &r->run[i]))
            continue;
        for (size_t k = 0; k < (i == run ? row : e.t->rows); k++)
            if (is_of(&e, k, cell(now, row, COLUMN_TASK),
                      cell(now, row, COLUMN_METRIC)))
                return true;
    }
    return false;
}

void
fig_evaluation(struct gallery *g)
{
    size_t drawn = 0;
    for (size_t i = 0; i < g->report->runs; i++) {
        struct evaluation e;
        if (!evaluation_of(&e, &g->report->run[i]))
            continue;
        for (size_t k = 0; k < e.t->rows; k++)
            if (!seen_before(g->report, i, &e, k)) {
                draw(g, cell(&e, k, COLUMN_TASK), cell(&e, k, COLUMN_METRIC));
                drawn++;
            }
    }
    if (!drawn)
        gallery_omit(g, SECTION_EVALUATION, "evaluation", "no evaluation.csv");
}
