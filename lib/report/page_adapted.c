/*
 * page_adapted.c - what adaptations bought, and whether a way of adapting is
 * as good as another.
 */
#include "config.h"

#include "report/page.h"

#include <math.h>
#include <stdio.h>

#include "report/html.h"

static void
put_cells(struct str *out, const struct adapted *a)
{
    char name[192];
    html_table(out,
               a->tested ? "Perplexity of the text to test on, at the learning "
                           "rate of the lowest held-out loss"
                         : "Perplexity of held-out text, at the learning rate "
                           "that has the lowest",
               "language|trained|#\u0394 to the reference (%)|#parameters, of "
               "the reference's (%)|#before|#after|#lowest|#highest|#learning "
               "rate|#rates tried|#runs|#parameters|#share of all (%)");
    for (size_t i = 0; i < a->cells; i++) {
        const struct adapted_cell *c = &a->cell[i];
        page_language(name, sizeof name, c->language);
        html_row(out);
        html_cell(out, "%s", name);
        html_cell(out, "%s", a->setting[c->setting].label);
        html_delta(out, 2, adapted_above(a, c));
        html_number(out, 1, 100 * adapted_part(a, c));
        html_number(out, 2, exp(c->before));
        html_number(out, 2, exp(c->nll));
        html_number(out, 2, exp(c->low));
        html_number(out, 2, exp(c->high));
        html_number(out, 6, c->lr);
        html_number(out, 0, (double)c->rates);
        html_number(out, 0, (double)c->runs);
        html_number(out, 0, c->parameters);
        html_number(out, 3, 100 * c->share);
    }
    html_table_end(out);
}

/* Each pair that the tests are of. */
static void
put_pairs(struct str *out, const struct adapted *a)
{
    char name[192];
    if (!a->tests)
        return;
    html_table(out, "Pairs of runs of one language, model and seed",
               "language|trained|seed|#perplexity|#of the reference|#\u0394 "
               "(%)");
    for (size_t i = 0; i < a->runs; i++) {
        const struct adapted_run *run = &a->run[i];
        const struct adapted_run *with = adapted_partner(a, run);
        if (!with)
            continue;
        page_language(name, sizeof name, run->language);
        html_row(out);
        html_cell(out, "%s", name);
        html_cell(out, "%s", a->setting[run->setting].label);
        html_cell(out, "%s", run->seed);
        html_number(out, 2, exp(run->nll));
        html_number(out, 2, exp(with->nll));
        html_delta(out, 2, adapted_percent(run->nll - with->nll));
    }
    html_table_end(out);
}

/* What to think of the rates that were chosen. */
static void
put_rates(struct str *out, const struct adapted *a)
{
    size_t edges = 0, chosen = 0;
    for (size_t i = 0; i < a->cells; i++) {
        edges += a->cell[i].edge;
        chosen += a->cell[i].rates > 1;
    }
    if (edges)
        html_class(out, "p", "quiet",
                   "In %zu row%s the chosen learning rate is the smallest or "
                   "the largest of those tried: a better one may lie beyond.",
                   edges, edges == 1 ? "" : "s");
    if (chosen && !a->tested)
        html_class(out, "p", "quiet",
                   "Learning rates were chosen by the same text that is "
                   "reported, which favours what tried more of them; other "
                   "text to test on, the field test, does not.");
}

void
page_adapted(struct str *out, const struct adapted *a)
{
    if (!a->cells)
        return;
    str_puts(out, "<section id=\"adaptation\">\n");
    html_tag(out, "h2", "Adaptation");
    for (size_t i = 0; i < a->tests; i++) {
        struct str words = {0};
        adapted_words(&words, a, &a->test[i]);
        html_class(out, "p", "answer", "%s", words.s ? words.s : "");
        out->failed |= words.failed;
        str_free(&words);
    }
    put_cells(out, a);
    put_rates(out, a);
    put_pairs(out, a);
    str_puts(out, "</section>\n");
}
