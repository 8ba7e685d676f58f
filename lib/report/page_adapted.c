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
               "Perplexity of held-out text, at the learning rate that has the "
               "lowest",
               "language|trained|#parameters|#share (%)|#learning rate|#rates "
               "tried|#runs|#before|#after|#lowest|#highest|#\u0394 to the "
               "reference (%)");
    for (size_t i = 0; i < a->cells; i++) {
        const struct adapted_cell *c = &a->cell[i];
        page_language(name, sizeof name, c->language);
        html_row(out);
        html_cell(out, "%s", name);
        html_cell(out, "%s", a->setting[c->setting].label);
        html_number(out, 0, c->parameters);
        html_number(out, 3, 100 * c->share);
        html_number(out, 6, c->lr);
        html_number(out, 0, (double)c->rates);
        html_number(out, 0, (double)c->runs);
        html_number(out, 2, exp(c->before));
        html_number(out, 2, exp(c->nll));
        html_number(out, 2, exp(c->low));
        html_number(out, 2, exp(c->high));
        html_delta(out, 2, adapted_above(a, c));
    }
    html_table_end(out);
}

void
page_adapted(struct str *out, const struct adapted *a)
{
    size_t edges = 0;
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
    for (size_t i = 0; i < a->cells; i++)
        edges += a->cell[i].edge;
    if (edges)
        html_class(out, "p", "quiet",
                   "In %zu row%s the chosen learning rate is the smallest or "
                   "the largest of those tried: a better one may lie beyond.",
                   edges, edges == 1 ? "" : "s");
    str_puts(out, "</section>\n");
}
