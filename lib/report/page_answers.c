/*
 * page_answers.c - the first screen: which layers specialise, and whether
 * vocabulary overlap explains it, in words with their numbers.
 */
#include "config.h"

#include "report/page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "report/axes.h"
#include "report/html.h"
#include "report/summary.h"
#include "report/xml.h"

enum { SPARK_W = 340, SPARK_H = 92 };

/* Bars over layers, with zero as base. */
static void
spark(struct str *out, const double *v, size_t n, const char *title,
      const char *id)
{
    const double foot = SPARK_H - 16, step = SPARK_W / (double)(n ? n : 1);
    const double gap = fmin(3, step / 4);
    struct words words = {.size = 11, .ink = INK_MUTED};
    struct axis y = {0, 0, foot, 16};
    struct figure f;
    char text[64];
    figure_begin(&f, SPARK_W, SPARK_H, title);
    figure_about(&f, "Bars from layer 0 to layer %zu.", n ? n - 1 : 0);
    for (size_t l = 0; l < n; l++)
        if (isfinite(v[l])) {
            y.hi = fmax(y.hi, v[l]);
            y.lo = fmin(y.lo, v[l]);
        }
    if (!(y.hi > y.lo))
        y.hi = y.lo + 1;
    const size_t high = summary_extreme(v, n, y.hi > -y.lo ? 1 : -1);
    for (size_t l = 0; l < n; l++) {
        const double a = axis_at(&y, v[l]), b = axis_at(&y, 0);
        snprintf(text, sizeof text, "layer %zu: %.3f", l, v[l]);
        if (isfinite(v[l]))
            figure_box(&f, (struct stroke){0},
                       l == high ? ink_series(1) : ink_series(0),
                       (struct box){step * (double)l, fmin(a, b), step - gap,
                                    fmax(1, fabs(a - b))},
                       text);
    }
    figure_text(&f, words, 0, SPARK_H - 6, "layer 0");
    words.across = 1;
    snprintf(text, sizeof text, "layer %zu", n ? n - 1 : 0);
    if (n > 1)
        figure_text(&f, words, SPARK_W, SPARK_H - 6, text);
    if (high < n) {
        const double x = step * ((double)high + 0.5);
        words.across = x < 60 ? 0 : x > SPARK_W - 60 ? 1 : 0.5;
        words.ink = INK_TEXT;
        words.bold = true;
        snprintf(text, sizeof text, "%s%.3f", v[high] < 0 ? "\u2212" : "",
                 fabs(v[high]));
        figure_text(&f, words,
                    words.across == 0.5 ? x
                    : words.across > 0  ? SPARK_W
                                        : 0,
                    7, text);
    }
    figure_inline(out, &f, id);
    figure_free(&f);
}

/* ---- Which layers specialise? ----------------------------------------------
 */

/* "1, 4\u20137" of the layers whose score is above the mean. */
static void
above_mean(char *out, size_t cap, const struct folder *f)
{
    double sum = 0;
    size_t n = 0, at = 0;
    for (size_t l = 0; l < f->L; l++)
        if (isfinite(folder_at(f, GRID_SPECIAL, l, 0, 0))) {
            sum += folder_at(f, GRID_SPECIAL, l, 0, 0);
            n++;
        }
    *out = '\0';
    for (size_t l = 0, to; n && l < f->L && at + 48 < cap; l = to + 1) {
        for (to = l; folder_at(f, GRID_SPECIAL, to, 0, 0) > sum / (double)n;)
            to++;
        if (to > l)
            at += (size_t)snprintf(out + at, cap - at, "%s%zu", at ? ", " : "",
                                   l);
        if (to > l + 1)
            at += (size_t)snprintf(out + at, cap - at, "%s%zu",
                                   to > l + 2 ? "\u2013" : ", ", to - 1);
    }
}

static void
layers_of(struct str *out, const struct report *r, size_t run)
{
    const struct folder *f = &r->run[run];
    const size_t most = summary_most_special(f);
    const size_t least = summary_least_special(f);
    char layers[256], id[48];
    if (most >= f->L)
        return;
    above_mean(layers, sizeof layers, f);
    if (r->runs > 1)
        html_tag(out, "h3", "%s", f->label);
    html_class(out, "p", "answer",
               "Layer %zu most: knowing one of a token's experts removes "
               "%.1f\u00a0%% of the uncertainty about its language (score "
               "%.3f). Layer %zu least: %.1f\u00a0%% (%.3f).",
               most, 100 * f->grid[GRID_SPECIAL].v[most],
               f->grid[GRID_SPECIAL].v[most], least,
               100 * f->grid[GRID_SPECIAL].v[least],
               f->grid[GRID_SPECIAL].v[least]);
    if (*layers)
        html_class(out, "p", "quiet",
                   "Above the mean: layer%s %s. Mean divergence of two "
                   "languages: %.3f nats in layer 0, %.3f in layer %zu.",
                   f->L > 1 ? "s" : "", layers, summary_jsd(f, 0, false, false),
                   summary_jsd(f, f->L - 1, false, false), f->L - 1);
    snprintf(id, sizeof id, "spark-layers-%zu", run);
    spark(out, f->grid[GRID_SPECIAL].v, f->L, "Specialisation by layer", id);
}

/* ---- Does overlap explain it? -----------------------------------------------
 */

static const char *
verdict(double r)
{
    const double size = fabs(r);
    return size >= 0.7   ? r < 0 ? "Yes, largely" : "Largely, but inversely"
           : size >= 0.4 ? r < 0 ? "In part" : "In part, but inversely"
                         : "Hardly";
}

static void
overlap_of(struct str *out, const struct report *r, size_t run)
{
    const struct folder *f = &r->run[run];
    double *v = mem_zero(f->L + 1, sizeof *v);
    char id[48];
    out->failed |= !v;
    for (size_t l = 0; v && l < f->L; l++)
        v[l] = summary_overlap(f, l, GRID_JACCARD).r;
    const size_t best = v ? summary_extreme(v, f->L, -1) : f->L;
    if (best < f->L) {
        const size_t other = best == f->L - 1 ? 0 : f->L - 1;
        if (r->runs > 1)
            html_tag(out, "h3", "%s", f->label);
        html_class(out, "p", "answer",
                   "%s in layer %zu: divergence and vocabulary overlap "
                   "(Jaccard) correlate at r\u00a0=\u00a0%s%.2f over %lld "
                   "pairs, %.0f\u00a0%% of the variance. In layer %zu "
                   "r\u00a0=\u00a0%s%.2f, %.0f\u00a0%%.",
                   verdict(v[best]), best, v[best] < 0 ? "\u2212" : "",
                   fabs(v[best]),
                   (long long)summary_overlap(f, best, GRID_JACCARD).n,
                   100 * v[best] * v[best], other, v[other] < 0 ? "\u2212" : "",
                   fabs(v[other]), 100 * v[other] * v[other]);
        if (run == 0)
            html_class(out, "p", "quiet",
                       "Negative r: languages that share tokens share experts. "
                       "Pairs share languages and are not independent, so no "
                       "p-value is given.");
        snprintf(id, sizeof id, "spark-overlap-%zu", run);
        spark(out, v, f->L, "Correlation by layer", id);
    }
    free(v);
}

static void
card(struct str *out, const struct report *r, const char *question,
     void (*answer)(struct str *, const struct report *, size_t),
     const char *otherwise)
{
    str_puts(out, "<div class=\"card\">\n");
    html_tag(out, "h2", "%s", question);
    const size_t before = out->n;
    for (size_t i = 0; i < r->runs; i++)
        answer(out, r, i);
    if (out->n == before)
        html_tag(out, "p", "%s", otherwise);
    str_puts(out, "</div>\n");
}

static bool
any_routing(const struct report *r)
{
    for (size_t i = 0; i < r->runs; i++)
        if (folder_has(&r->run[i], GRID_COUNT) ||
            folder_has(&r->run[i], GRID_SPECIAL))
            return true;
    return false;
}

void
page_answers(struct str *out, const struct report *r)
{
    if (!any_routing(r))
        return;
    str_puts(out, "<section id=\"answers\" aria-label=\"In short\">\n"
                  "<div class=\"cards\">\n");
    card(out, r, "Which layers specialise?", layers_of,
         "Not known: a specialisation needs two languages.");
    page_experts(out, r);
    card(out, r, "Does vocabulary overlap explain divergence?", overlap_of,
         "Not known: that needs the overlap of at least three languages with "
         "different values (overlap.csv).");
    str_puts(out, "</div>\n</section>\n");
}
