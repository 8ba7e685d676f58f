/*
 * fig_training.c - a training over its steps: the loss, and the held-out loss
 * of each language.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/curves.h"

/* Steps beyond these are averaged in groups, so that a curve of a long run
 * can be looked at. */
enum { POINTS = 400 };

/* Of fewer looks a table says as much as a curve. */
enum { LOOKS = 3 };

/* Without a name it is one of many. */
static void
add_loss(struct chart *c, const struct folder *f, const char *run,
         const char *key, const char *name)
{
    const size_t n = json_array_size(f->steps);
    const size_t per = n / POINTS + 1, points = (n + per - 1) / per;
    struct series *s = !n      ? NULL
                       : !name ? chart_quiet(c, run, points)
                               : curves_series(c, run, name, points);
    for (size_t i = 0; s && i < points; i++) {
        double sum = 0, step = 0;
        size_t k = i * per, seen = 0;
        for (; k < n && k < (i + 1) * per; k++, seen++) {
            const json_t *o = json_array_get(f->steps, k);
            const json_t *v = json_object_get(o, key);
            sum += json_is_number(v) ? json_number_value(v) : NAN;
            step = json_number_value(json_object_get(o, "step"));
        }
        s->x[i] = step;
        s->y[i] = sum / (double)seen;
    }
}

static void
loss(struct gallery *g)
{
    struct chart c = {
        .x_title = "step", .y_title = "loss (nats per token)", .steps = true};
    const bool many = g->report->runs > REPORT_NAMED;
    for (size_t i = 0; i < g->report->runs; i++)
        add_loss(&c, &g->report->run[i], curves_label(g->report, i), "ce",
                 many ? NULL : "cross-entropy");
    curves_finish(g, &c, SECTION_TRAINING, "training-loss", "Training loss",
                  "Cross-entropy of each step's batch; long runs are averaged "
                  "in groups of steps.",
                  "metrics.jsonl has no steps of a training");
}

/* Rows of one language, in the order of the file. */
static void
add_heldout(struct chart *c, const struct folder *f, const char *language)
{
    const struct csv_table *t = &f->table[TABLE_HELDOUT];
    const int step = folder_column(f, TABLE_HELDOUT, "step");
    const int name = folder_column(f, TABLE_HELDOUT, "language");
    const int nll = folder_column(f, TABLE_HELDOUT, "nll");
    if (step < 0 || name < 0 || nll < 0)
        return;
    size_t n = 0;
    for (size_t r = 0; r < t->rows; r++)
        n += strcmp(csv_cell(t, r, (size_t)name), language) == 0;
    struct series *s = chart_series(c, language, n);
    n = 0;
    for (size_t r = 0; s && r < t->rows; r++) {
        if (strcmp(csv_cell(t, r, (size_t)name), language) != 0)
            continue;
        s->x[n] = csv_number(t, r, (size_t)step);
        s->y[n++] = csv_number(t, r, (size_t)nll);
    }
}

static bool
seen_before(const struct csv_table *t, int name, size_t row)
{
    for (size_t r = 0; r < row; r++)
        if (strcmp(csv_cell(t, r, (size_t)name),
                   csv_cell(t, row, (size_t)name)) == 0)
            return true;
    return false;
}

static void
heldout(struct gallery *g, size_t run)
{
    struct chart c = {.x_title = "step",
                      .y_title = "held-out loss (nats per token)",
                      .steps = true};
    const struct folder *f = &g->report->run[run];
    const struct csv_table *t = &f->table[TABLE_HELDOUT];
    const int name = folder_column(f, TABLE_HELDOUT, "language");
    char file[2 * EXHIBIT_NAME], suffix[EXHIBIT_NAME];
    snprintf(file, sizeof file, "heldout-loss%s",
             gallery_suffix(g, run, suffix));
    for (size_t r = 0; name >= 0 && r < t->rows; r++)
        if (!seen_before(t, name, r))
            add_heldout(&c, f, csv_cell(t, r, (size_t)name));
    curves_finish(g, &c, SECTION_TRAINING, file,
                  "Held-out loss of each language",
                  "Mean negative log-likelihood of held-out text; the "
                  "perplexity is its exponential.",
                  "no heldout.csv");
}

/* How often the first language of the table was looked at. */
static size_t
looks(const struct folder *f)
{
    const struct csv_table *t = &f->table[TABLE_HELDOUT];
    const int name = folder_column(f, TABLE_HELDOUT, "language");
    size_t n = 0;
    for (size_t r = 0; name >= 0 && r < t->rows; r++)
        n += strcmp(csv_cell(t, r, (size_t)name),
                    csv_cell(t, 0, (size_t)name)) == 0;
    return n;
}

void
fig_training(struct gallery *g)
{
    loss(g);
    bool any = false;
    for (size_t i = 0; i < g->report->runs; i++)
        if (looks(&g->report->run[i]) >= LOOKS) {
            heldout(g, i);
            any = true;
        }
    if (!any)
        gallery_omit(g, SECTION_TRAINING, "heldout-loss",
                     "no heldout.csv with three looks at a language");
}
