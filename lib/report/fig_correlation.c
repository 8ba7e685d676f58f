/*
 * fig_correlation.c - correlation over layers: of divergence with vocabulary
 * overlap (study A), and with a score of the languages (study B).
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "report/curves.h"
#include "report/summary.h"

static void
overlap(struct gallery *g)
{
    static const struct {
        enum folder_grid grid;
        const char *name;
    } measure[] = {{GRID_JACCARD, "Jaccard"},
                   {GRID_COEFFICIENT, "coefficient"},
                   {GRID_WEIGHTED, "weighted"}};
    struct chart c = {
        .x_title = "layer", .y_title = "Pearson r", .signed_y = true};
    const struct report *r = g->report;
    for (size_t i = 0; i < r->runs; i++)
        for (size_t m = 0; m < sizeof measure / sizeof *measure; m++) {
            const struct folder *f = &r->run[i];
            if (!folder_has(f, measure[m].grid) || !folder_has(f, GRID_JSD))
                continue;
            struct series *s =
                curves_series(&c, curves_label(r, i), measure[m].name, f->L);
            for (size_t l = 0; s && l < f->L; l++)
                s->y[l] = summary_overlap(f, l, measure[m].grid).r;
        }
    curves_finish(g, &c, SECTION_OVERLAP, "overlap-correlation",
                  "Correlation of divergence with vocabulary overlap",
                  "Pearson correlation over pairs of languages of the "
                  "divergence in a layer with three measures of how much of "
                  "their token vocabulary they share. Below 0: languages that "
                  "share tokens also share experts.",
                  "no overlap.csv, or fewer than two pairs of languages");
}

/* The series of a score, made when it comes up first. */
static struct series *
series_of(struct chart *c, const char *run, const char *score, size_t L)
{
    char name[LABEL_BYTES];
    label_cut(name, score, 32);
    for (size_t i = 0; !run && i < c->n; i++)
        if (strcmp(c->series[i].name, name) == 0)
            return &c->series[i];
    return curves_series(c, run, score, L);
}

static void
add_scores(struct chart *c, const struct folder *f, const char *label)
{
    const struct csv_table *t = &f->table[TABLE_SCORE_CORRELATION];
    const int score = folder_column(f, TABLE_SCORE_CORRELATION, "score");
    const int layer = folder_column(f, TABLE_SCORE_CORRELATION, "layer");
    const int r = folder_column(f, TABLE_SCORE_CORRELATION, "pearson_r");
    struct series *s = NULL;
    const char *last = "";
    if (score < 0 || layer < 0 || r < 0)
        return;
    for (size_t i = 0; i < t->rows; i++) {
        const char *name = csv_cell(t, i, (size_t)score);
        const double l = csv_number(t, i, (size_t)layer);
        if (!s || strcmp(name, last) != 0)
            s = series_of(c, label, name, f->L);
        last = name;
        if (s && l >= 0 && l < (double)f->L)
            s->y[(size_t)l] = csv_number(t, i, (size_t)r);
    }
}

static void
scores(struct gallery *g)
{
    struct chart c = {
        .x_title = "layer", .y_title = "Pearson r", .signed_y = true};
    for (size_t i = 0; i < g->report->runs; i++)
        add_scores(&c, &g->report->run[i], curves_label(g->report, i));
    curves_finish(g, &c, SECTION_PARALLEL, "score-correlation",
                  "Correlation of divergence with a score of the languages",
                  "Pearson correlation over languages of the divergence from "
                  "the pivot in a layer with a score of each language. Study "
                  "B finds it strongly negative in the middle layers.",
                  "no score_correlation.csv: it needs scores and parallel "
                  "text");
}

void
fig_correlation(struct gallery *g)
{
    overlap(g);
    scores(g);
}
