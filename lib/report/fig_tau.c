/*
 * fig_tau.c - how many experts are above a threshold for a task, for any
 * language, and for both (study B).
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "report/curves.h"

static bool
same_task(const struct csv_table *t, int task, size_t a, size_t b)
{
    return task < 0 || strcmp(csv_cell(t, a, (size_t)task),
                              csv_cell(t, b, (size_t)task)) == 0;
}

static void
add_column(struct chart *c, const struct folder *f, const char *run,
           const char *column, const char *name, size_t from, size_t to)
{
    const struct csv_table *t = &f->table[TABLE_TAU_SWEEP];
    const int tau = folder_column(f, TABLE_TAU_SWEEP, "tau");
    const int value = folder_column(f, TABLE_TAU_SWEEP, column);
    struct series *s =
        tau < 0 || value < 0 ? NULL : curves_series(c, run, name, to - from);
    for (size_t r = from; s && r < to; r++) {
        s->x[r - from] = csv_number(t, r, (size_t)tau);
        s->y[r - from] = csv_number(t, r, (size_t)value);
    }
}

static void
add_run(struct chart *c, const struct folder *f, const char *label)
{
    const struct csv_table *t = &f->table[TABLE_TAU_SWEEP];
    const int task = folder_column(f, TABLE_TAU_SWEEP, "task");
    for (size_t r = 0, end; r < t->rows; r = end) {
        const char *name = task < 0 ? "" : csv_cell(t, r, (size_t)task);
        char both[LABEL_BYTES];
        for (end = r + 1; end < t->rows && same_task(t, task, r, end); end++)
            ;
        if (r == 0)
            add_column(c, f, label, "multilingual_experts", "multilingual", r,
                       end);
        if (!*name)
            continue;
        snprintf(both, sizeof both, "%.40s, both", name);
        add_column(c, f, label, "task_experts", name, r, end);
        add_column(c, f, label, "both", both, r, end);
    }
}

void
fig_tau(struct gallery *g)
{
    struct chart c = {.x_title = "threshold \u03c4",
                      .y_title = "experts above it",
                      .zero = true,
                      .steps = true};
    for (size_t i = 0; i < g->report->runs; i++)
        add_run(&c, &g->report->run[i], curves_label(g->report, i));
    curves_finish(g, &c, SECTION_EXPERTS, "tau-sweep",
                  "Task and multilingual experts over the threshold",
                  "Pairs of layer and expert whose activation rises by more "
                  "than \u03c4 over the pivot language: in any other "
                  "language, in a task, and in both. Study B finds none in "
                  "both from 0.3 on.",
                  "no tau_sweep.csv: it needs parallel text");
}
