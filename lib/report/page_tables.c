/*
 * page_tables.c - the numbers behind the figures of each section.
 */
#include "config.h"

#include "report/page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "report/html.h"
#include "report/summary.h"

enum { ROWS = 400, WIDEST = 24 };

static const char *
named(char out[160], const struct report *r, size_t run, const char *title)
{
    if (r->runs > 1)
        snprintf(out, 160, "%.80s: %.70s", r->run[run].label, title);
    else
        snprintf(out, 160, "%.150s", title);
    return out;
}

static void
more(struct str *out, const char *summary)
{
    str_puts(out, "<details class=\"more\">");
    html_tag(out, "summary", "%s", summary);
}

static void
layers_table(struct str *out, const struct report *r, size_t run)
{
    const struct folder *f = &r->run[run];
    char caption[160];
    html_table(out, named(caption, r, run, "Every layer"),
               "#layer|#entropy of the pivot|#mean entropy of the others|"
               "#mean JSD|#mean JSD without the pivot|#specialisation|"
               "#overlap r (Jaccard)");
    for (size_t l = 0; l < f->L; l++) {
        html_row(out);
        html_number(out, 0, (double)l);
        html_number(out, 4, folder_at(f, GRID_ENTROPY, l, f->pivot, 0));
        html_number(out, 4, summary_mean(f, GRID_ENTROPY, l, f->pivot));
        html_number(out, 4, summary_jsd(f, l, false, false));
        html_number(out, 4, summary_jsd(f, l, false, true));
        html_number(out, 4, folder_at(f, GRID_SPECIAL, l, 0, 0));
        html_number(out, 3, summary_overlap(f, l, GRID_JACCARD).r);
    }
    html_table_end(out);
}

static void
languages_table(struct str *out, const struct report *r, size_t run)
{
    const struct folder *f = &r->run[run];
    char caption[160], name[192];
    const size_t last = f->L ? f->L - 1 : 0;
    html_table(out, named(caption, r, run, "Every language"),
               "language|group|sister|#tokens|#perplexity|"
               "#entropy, last layer|nearest, last layer|#JSD|"
               "#JSD by chance");
    for (size_t i = 0; i < f->n; i++) {
        const size_t near = summary_nearest(f, last, i);
        page_language(name, sizeof name, f->language[i]);
        html_row(out);
        html_cell(out, "%s", name);
        html_cell(out, "%s", !f->grouped ? "" : f->high[i] ? "high" : "low");
        html_cell(out, "%s",
                  f->parent[i] < f->n ? f->language[f->parent[i]] : "");
        html_number(out, 0, folder_at(f, GRID_TOKENS, i, 0, 0));
        html_number(out, 2, folder_at(f, GRID_PERPLEXITY, i, 0, 0));
        html_number(out, 4, folder_at(f, GRID_ENTROPY, last, i, 0));
        html_cell(out, "%s", near < f->n ? f->language[near] : "");
        html_number(out, 4, folder_at(f, GRID_JSD, last, i, near));
        html_number(out, 5, summary_noise(f, last, i));
    }
    html_table_end(out);
}

static void
pairs_table(struct str *out, const struct report *r, size_t run)
{
    const struct folder *f = &r->run[run];
    char caption[160];
    const size_t last = f->L ? f->L - 1 : 0;
    size_t shown = 0;
    html_table(out, named(caption, r, run, "Pairs of languages"),
               "a|b|sisters|#JSD, layer 0|#JSD, last layer|"
               "#JSD of probabilities, last layer|#Jaccard|"
               "#overlap coefficient|#weighted Jaccard");
    for (size_t a = 0; a < f->n; a++)
        for (size_t b = a + 1; b < f->n && shown < 2 * ROWS * ROWS; b++) {
            shown++;
            html_row(out);
            html_cell(out, "%s", f->language[a]);
            html_cell(out, "%s", f->language[b]);
            html_cell(out, "%s", summary_are_sisters(f, a, b) ? "\u2605" : "");
            html_number(out, 4, folder_at(f, GRID_JSD, 0, a, b));
            html_number(out, 4, folder_at(f, GRID_JSD, last, a, b));
            html_number(out, 4, folder_at(f, GRID_JSD_P, last, a, b));
            html_number(out, 4, folder_at(f, GRID_JACCARD, a, b, 0));
            html_number(out, 4, folder_at(f, GRID_COEFFICIENT, a, b, 0));
            html_number(out, 4, folder_at(f, GRID_WEIGHTED, a, b, 0));
        }
    html_table_end(out);
}

/* Languages down, layers across. */
static void
grid_table(struct str *out, const struct report *r, size_t run,
           enum folder_grid grid, const char *title)
{
    const struct folder *f = &r->run[run];
    char caption[160], column[32];
    struct str columns = {0};
    if (!folder_has(f, grid))
        return;
    str_puts(&columns, "language");
    for (size_t l = 0; l < f->L; l++) {
        snprintf(column, sizeof column, "|#%zu", l);
        str_puts(&columns, column);
    }
    html_table(out, named(caption, r, run, title), columns.s ? columns.s : "");
    for (size_t i = 0; i < f->n; i++) {
        html_row(out);
        html_cell(out, "%s", f->language[i]);
        for (size_t l = 0; l < f->L; l++)
            html_number(out, 4, folder_at(f, grid, l, i, 0));
    }
    html_table_end(out);
    out->failed |= columns.failed;
    str_free(&columns);
}

static void
csv(struct str *out, const struct report *r, size_t run,
    enum folder_table table, const char *title)
{
    const struct folder *f = &r->run[run];
    char caption[160], file[64];
    if (!f->has[table] || !f->table[table].rows)
        return;
    snprintf(file, sizeof file, "%s.csv", folder_table_name(table));
    html_csv(out, &f->table[table], named(caption, r, run, title), file, ROWS);
}

static void
section_tables(struct str *out, const struct report *r, size_t run,
               enum section section)
{
    const struct folder *f = &r->run[run];
    switch (section) {
    case SECTION_LAYERS:
        if (f->has[TABLE_LAYERS])
            csv(out, r, run, TABLE_LAYERS, "Every layer");
        else if (folder_has(f, GRID_ENTROPY) || folder_has(f, GRID_SPECIAL))
            layers_table(out, r, run);
        grid_table(out, r, run, GRID_ENTROPY, "Entropy by language and layer");
        grid_table(out, r, run, GRID_ENTROPY_P,
                   "Entropy of probabilities by language and layer");
        break;
    case SECTION_LANGUAGES:
        if (folder_has(f, GRID_COUNT))
            languages_table(out, r, run);
        if (folder_has(f, GRID_JSD))
            pairs_table(out, r, run);
        break;
    case SECTION_OVERLAP:
        csv(out, r, run, TABLE_OVERLAP_CORRELATION,
            "Correlation of divergence with vocabulary overlap");
        break;
    case SECTION_EXPERTS:
        csv(out, r, run, TABLE_SELECTION, "Every expert and its language");
        csv(out, r, run, TABLE_COACTIVATION, "Experts chosen together");
        csv(out, r, run, TABLE_TOKENS, "Tokens of each expert");
        csv(out, r, run, TABLE_DELTA, "Activation against the pivot");
        csv(out, r, run, TABLE_TASK_EXPERTS,
            "Task and multilingual experts above the threshold");
        csv(out, r, run, TABLE_TAU_SWEEP, "Sweep of the threshold");
        grid_table(out, r, run, GRID_TOKEN_SPECIAL,
                   "Token specialisation by language and layer");
        grid_table(out, r, run, GRID_SATURATION,
                   "Router saturation by language and layer");
        break;
    case SECTION_PARALLEL:
        grid_table(out, r, run, GRID_DIVERGENCE,
                   "Normalised divergence by language and layer");
        grid_table(out, r, run, GRID_CONSISTENCY,
                   "Consistency by language and layer");
        grid_table(out, r, run, GRID_CONSISTENCY_NEAR,
                   "Consistency of neighbouring tokens by language and layer");
        grid_table(out, r, run, GRID_SEQUENCE_ENTROPY,
                   "Entropy of a sequence by language and layer");
        csv(out, r, run, TABLE_SCORE_CORRELATION,
            "Correlation of divergence with scores");
        csv(out, r, run, TABLE_SCORES, "Scores that were read");
        break;
    case SECTION_TRAINING:
        csv(out, r, run, TABLE_HELDOUT, "Held-out text over the training");
        break;
    case SECTION_EVALUATION:
        csv(out, r, run, TABLE_EVALUATION, "Every result");
        break;
    case SECTIONS:
        break;
    }
}

void
page_tables(struct str *out, const struct report *r, enum section section)
{
    more(out, section == SECTION_LANGUAGES || section == SECTION_EVALUATION
                  ? "The numbers, by language"
                  : "The numbers");
    const size_t before = out->n;
    for (size_t i = 0; i < r->runs; i++)
        section_tables(out, r, i, section);
    if (out->n == before)
        html_class(out, "p", "quiet", "They are in the folder's tables.");
    str_puts(out, "</details>\n");
}
