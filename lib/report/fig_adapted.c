/*
 * fig_adapted.c - how far each way of adapting is above the one that all are
 * compared with, a bar for each language.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/bars.h"
#include "report/gallery.h"

/* Bars of the languages that have a pair, and of the settings compared. */
struct rows {
    const char **name, **set;
    double *value, *error; // (languages, a->tests)
    double *d;             // differences of one cell
    size_t n;
};

static bool
rows_make(struct rows *rows, const struct adapted *a)
{
    const size_t cells = a->cells * a->tests;
    *rows = (struct rows){.name = mem_zero(a->cells, sizeof *rows->name),
                          .set = mem_zero(a->tests, sizeof *rows->set),
                          .value = mem_zero(cells, sizeof *rows->value),
                          .error = mem_zero(cells, sizeof *rows->error),
                          .d = mem_zero(a->runs, sizeof *rows->d)};
    if (!rows->name || !rows->set || !rows->value || !rows->error || !rows->d)
        return false;
    for (size_t i = 0; i < cells; i++)
        rows->value[i] = rows->error[i] = NAN;
    for (size_t t = 0; t < a->tests; t++)
        rows->set[t] = a->setting[a->test[t].setting].label;
    return true;
}

static void
rows_free(struct rows *rows)
{
    free(rows->name);
    free(rows->set);
    free(rows->value);
    free(rows->error);
    free(rows->d);
}

static size_t
row_of(struct rows *rows, const char *language)
{
    size_t i = 0;
    while (i < rows->n && strcmp(rows->name[i], language) != 0)
        i++;
    if (i == rows->n)
        rows->name[rows->n++] = language;
    return i;
}

/* Percent of the perplexity; the error is that of the mean over the pairs. */
static void
fill(struct rows *rows, const struct adapted *a)
{
    for (size_t i = 0; i < a->cells; i++)
        for (size_t t = 0; t < a->tests; t++) {
            const struct adapted_cell *c = &a->cell[i];
            if (c->setting != a->test[t].setting)
                continue;
            const size_t n = adapted_pairs(a, c, rows->d);
            const struct sample s = sample_of(rows->d, n);
            if (!n)
                continue;
            const size_t at = row_of(rows, c->language) * a->tests + t;
            rows->value[at] = adapted_percent(s.mean);
            rows->error[at] = 100 * s.stderr_;
        }
}

void
fig_adapted(struct gallery *g)
{
    const struct adapted *a = &g->report->adapted;
    struct rows rows = {0};
    struct figure f;
    char title[160];
    if (!a->tests)
        return;
    const bool made = rows_make(&rows, a);
    g->failed |= !made;
    if (made) {
        fill(&rows, a);
        snprintf(title, sizeof title, "Adaptations against %.100s",
                 a->setting[a->other].label);
        const struct bars b = {.rows = rows.n,
                               .sets = a->tests,
                               .row_name = rows.name,
                               .set_name = rows.set,
                               .value = rows.value,
                               .error = rows.error,
                               .x_title = "perplexity above it (%)",
                               .chance = 100 * (ADAPTED_MARGIN - 1)};
        bars_draw(&f, &b, title);
        figure_about(&f,
                     "Mean difference of the %s perplexity in each language, "
                     "with its standard error over pairs of runs. The dashed "
                     "line is 5 %%: what ends before it is as good.",
                     adapted_text(a));
        gallery_add(g, SECTION_TRAINING, &f, "adaptation");
    }
    rows_free(&rows);
}
