/*
 * page_experts.c - first screen: which experts belong to a language, one
 * panel for each, chosen by radio buttons that need no script.
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
#include "report/xml.h"

enum { TOP_EXPERTS = 3 };

/* The layers of experts.json, or those that figures show. */
static size_t
target_layers(const struct folder *f, size_t *layer)
{
    const json_t *list =
        json_object_get(json_object_get(f->experts, "_meta"), "target_layers");
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(list) && n < f->L; i++) {
        const json_int_t l = json_integer_value(json_array_get(list, i));
        if (l >= 0 && (size_t)l < f->L)
            layer[n++] = (size_t)l;
    }
    return n ? n : gallery_layers(f, layer);
}

static void
own_cell(struct str *out, const struct folder *f, size_t l, size_t i,
         size_t *expert)
{
    char text[512] = "";
    const int own = summary_experts(f, "seft", l, i, expert);
    size_t at = 0;
    for (int k = 0; k < own && at + 16 < sizeof text; k++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%zu",
                               k ? ", " : "", expert[k]);
    html_cell(out, "%s", own > 0 ? text : own == 0 ? "none" : "not selected");
}

static void
used_cell(struct str *out, const struct folder *f, size_t l, size_t i,
          double *share)
{
    char text[256] = "";
    size_t at = 0;
    for (size_t e = 0; e < f->E; e++)
        share[e] = summary_share(f, l, i, e);
    for (int k = 0; k < TOP_EXPERTS && (size_t)k < f->E; k++) {
        const size_t e = summary_extreme(share, f->E, 1);
        if (e == f->E)
            break;
        at += (size_t)snprintf(text + at, sizeof text - at,
                               "%s%zu\u00a0(%.1f\u00a0%%)", k ? ", " : "", e,
                               100 * share[e]);
        share[e] = NAN;
    }
    html_cell(out, "%s", text);
}

static void
experts_table(struct str *out, const struct folder *f, size_t i,
              const char *name)
{
    size_t *layer = mem_zero(f->L + GALLERY_LAYERS, sizeof *layer);
    size_t *expert = mem_zero(f->E + 1, sizeof *expert);
    double *share = mem_zero(f->E + 1, sizeof *share);
    char caption[256];
    snprintf(caption, sizeof caption, "Experts of %.150s", name);
    html_table(out, caption, "#layer|its experts|most used");
    out->failed |= !layer || !expert || !share;
    const size_t n = out->failed ? 0 : target_layers(f, layer);
    for (size_t k = 0; k < n; k++) {
        html_row(out);
        html_number(out, 0, (double)layer[k]);
        own_cell(out, f, layer[k], i, expert);
        used_cell(out, f, layer[k], i, share);
    }
    html_table_end(out);
    free(layer);
    free(expert);
    free(share);
}

static void
rule_line(struct str *out, const struct folder *f, size_t i)
{
    const json_t *meta = json_object_get(f->experts, "_meta");
    const char *rule = json_string_value(json_object_get(meta, "rule"));
    const double alpha = json_number_value(json_object_get(meta, "alpha"));
    if (!f->experts) {
        html_class(out, "p", "quiet",
                   "Its experts are those that it uses more than any other "
                   "language by 0.01 of its choices or more.");
        return;
    }
    const char *heir = summary_heir(f, i);
    if (!heir) {
        html_class(out, "p", "quiet", "It has no list in experts.json.");
        return;
    }
    str_puts(out, "<p class=\"quiet\">");
    xml_printf(out, "%s list (seft) of experts.json, rule %s, alpha %g.",
               strcmp(heir, f->language[i]) == 0 ? "Own" : "The",
               rule ? rule : "gap", alpha);
    if (strcmp(heir, f->language[i]) != 0)
        xml_printf(out, " %.60s takes them over.", heir);
    else if (f->grouped && !f->high[i] && f->parent[i] < f->n)
        xml_printf(out, " It takes the experts of its parent, %.60s.",
                   f->language[f->parent[i]]);
    str_puts(out, "</p>\n");
}

static void
nearest_line(struct str *out, const struct folder *f, size_t i)
{
    const size_t last = f->L ? f->L - 1 : 0;
    const size_t near = summary_nearest(f, last, i);
    char name[192];
    if (near == f->n)
        return;
    page_language(name, sizeof name, f->language[near]);
    html_tag(out, "p", "Nearest in the last layer: %s, JSD %.3f nats.", name,
             folder_at(f, GRID_JSD, last, i, near));
}

static void
panel(struct str *out, const struct report *r, const char *language, size_t i)
{
    char name[192];
    page_language(name, sizeof name, language);
    str_printf(out, "<div class=\"panel\" id=\"panel-%zu\">\n", i);
    html_tag(out, "h3", "%s", name);
    for (size_t k = 0; k < r->runs; k++) {
        const struct folder *f = &r->run[k];
        const size_t at = folder_language(f, language);
        if (at == f->n || !folder_has(f, GRID_COUNT))
            continue;
        if (r->runs > 1)
            html_class(out, "p", "quiet", "%s", f->label);
        experts_table(out, f, at, name);
        nearest_line(out, f, at);
        rule_line(out, f, at);
    }
    str_puts(out, "</div>\n");
}

/* The first language that has experts of its own in the last layer. */
static size_t
first_shown(const struct folder *f)
{
    size_t *expert = mem_zero(f->E + 1, sizeof *expert), i = 0;
    const size_t ca = folder_language(f, "ca");
    while (expert && i < f->n &&
           summary_experts(f, "seft", f->L - 1, i, expert) <= 0)
        i++;
    free(expert);
    return ca < f->n ? ca : i < f->n ? i : 0;
}

void
page_experts(struct str *out, const struct report *r)
{
    size_t lead = 0; // the run that gives the languages
    while (lead < r->runs && !folder_has(&r->run[lead], GRID_COUNT))
        lead++;
    str_puts(out, "<div class=\"card\">\n");
    html_tag(out, "h2", "Which experts belong to a language?");
    if (lead == r->runs) {
        html_tag(out, "p", "Not known: the folder has no counts.csv.");
        str_puts(out, "</div>\n");
        return;
    }
    const struct folder *f = &r->run[lead];
    const size_t shown = first_shown(f);
    str_puts(out, "<style>\n");
    for (size_t i = 0; i < f->n; i++)
        str_printf(out,
                   "#pick-%zu:checked ~ #panel-%zu { display: block }\n"
                   "#pick-%zu:checked + label { background: var(--text); "
                   "color: var(--paper) }\n",
                   i, i, i);
    str_puts(out, "</style>\n<fieldset class=\"pick\"><legend "
                  "class=\"quiet\">Choose a language</legend>\n");
    for (size_t i = 0; i < f->n; i++) {
        char name[192];
        page_language(name, sizeof name, f->language[i]);
        str_printf(out,
                   "<input type=\"radio\" name=\"pick\" id=\"pick-%zu\"%s/>"
                   "<label for=\"pick-%zu\" title=\"",
                   i, i == shown ? " checked=\"checked\"" : "", i);
        xml_text(out, name);
        str_puts(out, "\">");
        xml_text(out, f->language[i]);
        str_puts(out, "</label>\n");
    }
    for (size_t i = 0; i < f->n; i++)
        panel(out, r, f->language[i], i);
    str_puts(out, "</fieldset>\n</div>\n");
}
