/*
 * page_findings.c - what the figures of a section show, in words with their
 * numbers.
 */
#include "config.h"

#include "report/page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/html.h"
#include "report/summary.h"

/* One sentence of a run, its name before it when there are several. */
static void
say(struct str *out, const struct report *r, size_t run, const char *text)
{
    html_class(out, "p", "finding", "%s%s%s",
               r->runs > 1 ? r->run[run].label : "", r->runs > 1 ? ": " : "",
               text);
}

/* ---- Languages ----------------------------------------------------------- */

/* The mean divergence of sister pairs in a layer, and of all others; how many
 * sisters. */
static size_t
sisters_and_others(const struct folder *f, size_t layer, double mean[2])
{
    double sum[2] = {0};
    size_t n[2] = {0};
    for (size_t a = 0; a < f->n; a++)
        for (size_t b = a + 1; b < f->n; b++) {
            const double d = folder_at(f, GRID_JSD, layer, a, b);
            const int other = !summary_are_sisters(f, a, b);
            if (isnan(d))
                continue;
            sum[other] += d;
            n[other]++;
        }
    for (int k = 0; k < 2; k++)
        mean[k] = n[k] ? sum[k] / (double)n[k] : NAN;
    return n[0];
}

static void
about_languages(struct str *out, const struct report *r, size_t run)
{
    const struct folder *f = &r->run[run];
    const size_t last = f->L ? f->L - 1 : 0;
    char text[512];
    double first_mean[2], last_mean[2];
    const size_t n = sisters_and_others(f, last, last_mean);
    if (!n || sisters_and_others(f, 0, first_mean) != n ||
        isnan(last_mean[1]) || isnan(first_mean[1]))
        return;
    snprintf(text, sizeof text,
             "The %zu sister pair%s lie%s %.3f nats apart on average in layer "
             "0 and %.3f in layer %zu, all other pairs %.3f and %.3f.",
             n, n == 1 ? "" : "s", n == 1 ? "s" : "", first_mean[0],
             last_mean[0], last, first_mean[1], last_mean[1]);
    say(out, r, run, text);
}

/* ---- Experts of tasks ---------------------------------------------------- */

static void
about_tau(struct str *out, const struct report *r, size_t run)
{
    static const double TAU = 0.3; // from which on study B finds none in both
    const struct folder *f = &r->run[run];
    const struct csv_table *t = &f->table[TABLE_TAU_SWEEP];
    const char *const names[] = {"tau", "task", "task_experts",
                                 "multilingual_experts", "both"};
    int at[5];
    for (int k = 0; k < 5; k++)
        if ((at[k] = folder_column(f, TABLE_TAU_SWEEP, names[k])) < 0)
            return;
    for (size_t i = 0; i < t->rows; i++) {
        const char *task = csv_cell(t, i, (size_t)at[1]);
        char text[512];
        if (!(fabs(csv_number(t, i, (size_t)at[0]) - TAU) < 1e-6))
            continue;
        if (*task)
            snprintf(text, sizeof text,
                     "At \u03c4 = 0.3, %s experts belong to %.100s, %s to "
                     "another language than the pivot, and %s to both.",
                     csv_cell(t, i, (size_t)at[2]), task,
                     csv_cell(t, i, (size_t)at[3]),
                     csv_cell(t, i, (size_t)at[4]));
        else
            snprintf(text, sizeof text,
                     "At \u03c4 = 0.3, %s experts belong to another language "
                     "than the pivot.",
                     csv_cell(t, i, (size_t)at[3]));
        say(out, r, run, text);
    }
}

/* ---- Parallel text ------------------------------------------------------- */

/* Both ends lie clearly above the lowest layer, which is none of them. */
static bool
is_valley(const double *v, size_t n, size_t low)
{
    static const double CLEARLY = 1.1;
    return low > 0 && low + 1 < n && v[0] > CLEARLY * v[low] &&
           v[n - 1] > CLEARLY * v[low];
}

static void
about_divergence(struct str *out, const struct report *r, size_t run)
{
    const struct folder *f = &r->run[run];
    double *v = mem_zero(f->L + 1, sizeof *v);
    char text[512];
    out->failed |= !v;
    for (size_t l = 0; v && l < f->L; l++)
        v[l] = summary_mean(f, GRID_DIVERGENCE, l, f->pivot);
    const size_t low = v ? summary_extreme(v, f->L, -1) : f->L;
    if (low < f->L && f->L > 1) {
        snprintf(text, sizeof text,
                 "Divergence from the pivot, mean over languages: %.3f in "
                 "layer 0, lowest %.3f in layer %zu, %.3f in layer %zu: %s.",
                 v[0], v[low], low, v[f->L - 1], f->L - 1,
                 is_valley(v, f->L, low) ? "a U over depth"
                                         : "no U over depth");
        say(out, r, run, text);
    }
    free(v);
}

static void
about_scores(struct str *out, const struct report *r, size_t run)
{
    const struct folder *f = &r->run[run];
    const struct csv_table *t = &f->table[TABLE_SCORE_CORRELATION];
    const int score = folder_column(f, TABLE_SCORE_CORRELATION, "score");
    const int layer = folder_column(f, TABLE_SCORE_CORRELATION, "layer");
    const int value = folder_column(f, TABLE_SCORE_CORRELATION, "pearson_r");
    const int points = folder_column(f, TABLE_SCORE_CORRELATION, "n");
    size_t best = t->rows;
    double most = -1;
    char text[512];
    if (score < 0 || layer < 0 || value < 0 || points < 0)
        return;
    for (size_t i = 0; i < t->rows; i++)
        if (fabs(csv_number(t, i, (size_t)value)) > most) {
            most = fabs(csv_number(t, i, (size_t)value));
            best = i;
        }
    if (best == t->rows)
        return;
    snprintf(text, sizeof text,
             "Divergence correlates most with %.100s in layer %s: "
             "r\u00a0=\u00a0%s%.2f over %s languages.",
             csv_cell(t, best, (size_t)score), csv_cell(t, best, (size_t)layer),
             csv_number(t, best, (size_t)value) < 0 ? "\u2212" : "", most,
             csv_cell(t, best, (size_t)points));
    say(out, r, run, text);
}

void
page_findings(struct str *out, const struct report *r, enum section section)
{
    for (size_t i = 0; i < r->runs; i++) {
        if (section == SECTION_LANGUAGES)
            about_languages(out, r, i);
        if (section == SECTION_EXPERTS)
            about_tau(out, r, i);
        if (section == SECTION_PARALLEL) {
            about_divergence(out, r, i);
            about_scores(out, r, i);
        }
    }
}
