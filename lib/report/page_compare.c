/*
 * page_compare.c - two or more runs side by side, with differences to the
 * first.
 */
#include "config.h"

#include "report/page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/html.h"
#include "report/summary.h"

static double
layer_entropy(const struct folder *f, size_t l)
{
    return summary_mean(f, GRID_ENTROPY, l, f->n);
}

static double
layer_jsd(const struct folder *f, size_t l)
{
    return summary_jsd(f, l, false, false);
}

static double
layer_special(const struct folder *f, size_t l)
{
    return folder_at(f, GRID_SPECIAL, l, 0, 0);
}

static double
layer_overlap(const struct folder *f, size_t l)
{
    return folder_has(f, GRID_JACCARD) ? summary_overlap(f, l, GRID_JACCARD).r
                                       : NAN;
}

static double
layer_divergence(const struct folder *f, size_t l)
{
    return summary_mean(f, GRID_DIVERGENCE, l, f->pivot);
}

static const struct {
    const char *title;
    double (*of)(const struct folder *, size_t);
} layer_measures[] = {
    {"Specialisation", layer_special},
    {"Mean JSD", layer_jsd},
    {"Mean entropy", layer_entropy},
    {"Overlap r (Jaccard)", layer_overlap},
    {"Mean normalised divergence", layer_divergence},
};

/* Headings: what the rows are, then each run, then each difference. */
static void
compare_table(struct str *out, const struct report *r, const char *caption,
              const char *rows)
{
    struct str columns = {0};
    str_puts(&columns, rows);
    for (int delta = 0; delta < 2; delta++)
        for (size_t i = (size_t)delta; i < r->runs; i++) {
            char *label = str_copy(r->run[i].label);
            for (char *p = label; p && *p; p++)
                *p = *p == '|' ? '/' : *p; // separates headings
            str_printf(&columns, "|#%s%s", delta ? "\u0394 " : "",
                       label ? label : "");
            free(label);
        }
    out->failed |= columns.failed;
    html_table(out, caption, columns.s ? columns.s : "");
    str_free(&columns);
}

static void
compare_row(struct str *out, const struct report *r, const double *value,
            int digits)
{
    for (size_t i = 0; i < r->runs; i++)
        html_number(out, digits, value[i]);
    for (size_t i = 1; i < r->runs; i++)
        html_delta(out, digits, value[i] - value[0]);
}

static bool
any_number(const double *value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (isfinite(value[i]))
            return true;
    return false;
}

static void
by_layer(struct str *out, const struct report *r, double *value)
{
    size_t layers = 0;
    for (size_t i = 0; i < r->runs; i++)
        layers = r->run[i].L > layers ? r->run[i].L : layers;
    for (size_t m = 0; m < sizeof layer_measures / sizeof *layer_measures;
         m++) {
        bool begun = false;
        for (size_t l = 0; l < layers; l++) {
            for (size_t i = 0; i < r->runs; i++)
                value[i] =
                    l < r->run[i].L ? layer_measures[m].of(&r->run[i], l) : NAN;
            if (!begun && !any_number(value, r->runs))
                continue;
            if (!begun)
                compare_table(out, r, layer_measures[m].title, "#layer");
            begun = true;
            html_row(out);
            html_number(out, 0, (double)l);
            compare_row(out, r, value, 4);
        }
        if (begun)
            html_table_end(out);
    }
}

/* How far the use of experts moved from the first run: mean over languages
 * of the divergence of a language from itself. */
static double
moved(const struct folder *a, const struct folder *b, size_t l)
{
    double sum = 0;
    size_t n = 0;
    if (a->E != b->E || !folder_has(a, GRID_COUNT) ||
        !folder_has(b, GRID_COUNT) || l >= a->L || l >= b->L)
        return NAN;
    for (size_t i = 0; i < a->n; i++) {
        const size_t k = folder_language(b, a->language[i]);
        if (k == b->n)
            continue;
        const double d = moe_jsd(a->grid[GRID_COUNT].v + (l * a->n + i) * a->E,
                                 b->grid[GRID_COUNT].v + (l * b->n + k) * b->E,
                                 (int64_t)a->E);
        sum += isfinite(d) ? d : 0;
        n += isfinite(d);
    }
    return n ? sum / (double)n : NAN;
}

static void
movement(struct str *out, const struct report *r)
{
    const struct folder *first = &r->run[0];
    bool begun = false;
    for (size_t l = 0; l < first->L; l++)
        for (size_t i = 1; i < r->runs; i++) {
            const double d = moved(first, &r->run[i], l);
            if (!isfinite(d))
                continue;
            if (!begun)
                html_table(out,
                           "How far expert use moved from the first run: mean "
                           "JSD of a language from itself (nats)",
                           "#layer|run|#JSD");
            begun = true;
            html_row(out);
            html_number(out, 0, (double)l);
            html_cell(out, "%s", r->run[i].label);
            html_number(out, 4, d);
        }
    if (begun)
        html_table_end(out);
}

/* The last held-out loss of a language, or its perplexity's logarithm. */
static double
language_loss(const struct folder *f, const char *language)
{
    const struct csv_table *t = &f->table[TABLE_HELDOUT];
    const int name = folder_column(f, TABLE_HELDOUT, "language");
    const int nll = folder_column(f, TABLE_HELDOUT, "nll");
    double last = NAN;
    for (size_t r = 0; name >= 0 && nll >= 0 && r < t->rows; r++)
        if (strcmp(csv_cell(t, r, (size_t)name), language) == 0)
            last = csv_number(t, r, (size_t)nll);
    if (isfinite(last))
        return last;
    return log(
        folder_at(f, GRID_PERPLEXITY, folder_language(f, language), 0, 0));
}

static double
language_entropy(const struct folder *f, const char *language)
{
    return f->L ? folder_at(f, GRID_ENTROPY, f->L - 1,
                            folder_language(f, language), 0)
                : NAN;
}

static void
by_language(struct str *out, const struct report *r, double *value,
            const char *caption,
            double (*of)(const struct folder *, const char *))
{
    bool begun = false;
    for (size_t k = 0; k < r->runs; k++)
        for (size_t i = 0; i < r->run[k].n; i++) {
            const char *language = r->run[k].language[i];
            bool before = false;
            for (size_t j = 0; j < k; j++)
                before |= folder_language(&r->run[j], language) < r->run[j].n;
            for (size_t j = 0; j < r->runs; j++)
                value[j] = of(&r->run[j], language);
            if (before || !any_number(value, r->runs))
                continue;
            if (!begun)
                compare_table(out, r, caption, "language");
            begun = true;
            html_row(out);
            html_cell(out, "%s", language);
            compare_row(out, r, value, 4);
        }
    if (begun)
        html_table_end(out);
}

bool
page_compares(const struct report *r)
{
    for (size_t i = 0; r->runs > 1 && i < r->runs; i++)
        if (r->run[i].L || r->run[i].n)
            return true;
    return false;
}

void
page_compare(struct str *out, const struct report *r)
{
    double *value = calloc(r->runs ? r->runs : 1, sizeof *value);
    out->failed |= !value;
    if (page_compares(r) && value) {
        str_puts(out, "<section id=\"comparison\">\n");
        html_tag(out, "h2", "Comparison");
        html_class(out, "p", "quiet",
                   "\u0394 is the difference to %s. Curves and bars above show "
                   "all runs in one figure.",
                   r->run[0].label);
        by_layer(out, r, value);
        movement(out, r);
        by_language(out, r, value, "Loss on held-out text (nats per token)",
                    language_loss);
        by_language(out, r, value, "Entropy in the last layer (nats)",
                    language_entropy);
        str_puts(out, "</section>\n");
    }
    free(value);
}
