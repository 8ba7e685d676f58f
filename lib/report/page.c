/*
 * page.c - report.html: the frame, and the figures in their sections.
 */
#include "config.h"

#include "report/page.h"

#include <stdio.h>
#include <string.h>

#include "report/html.h"
#include "report/tongue.h"
#include "report/xml.h"

#include "lib/report/assets.inc"

static const struct {
    const char *id, *heading;
} sections[SECTIONS] = {
    [SECTION_LAYERS] = {"layers", "Layers"},
    [SECTION_LANGUAGES] = {"languages", "Languages"},
    [SECTION_OVERLAP] = {"overlap", "Vocabulary overlap"},
    [SECTION_EXPERTS] = {"experts", "Experts"},
    [SECTION_PARALLEL] = {"parallel", "Parallel text"},
    [SECTION_TRAINING] = {"training", "Training"},
    [SECTION_EVALUATION] = {"evaluation", "Evaluation"},
};

void
page_language(char *out, size_t cap, const char *name)
{
    const char *tongue = tongue_name(name);
    if (tongue)
        snprintf(out, cap, "%s (%s)", tongue, name);
    else
        snprintf(out, cap, "%s", name);
}

/* The inks as CSS variables of both themes. */
static void
put_inks(struct str *out, bool dark)
{
    for (int ink = INK_TEXT; ink < INK_NAMED; ink++)
        str_printf(out, " --%s: #%06x;", ink_name(ink), ink_rgb(ink, dark));
}

static void
put_head(struct str *out, const char *title)
{
    str_puts(out, "<!DOCTYPE html>\n"
                  "<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n"
                  "<head>\n<meta charset=\"utf-8\"/>\n"
                  "<meta name=\"viewport\" content=\"width=device-width, "
                  "initial-scale=1\"/>\n"
                  "<meta name=\"generator\" content=\"polymoe " PACKAGE_VERSION
                  "\"/>\n");
    html_tag(out, "title", "%s", title);
    str_puts(out, "<style>\n:root {");
    put_inks(out, false);
    str_puts(out, " }\n@media (prefers-color-scheme: dark) { :root {");
    put_inks(out, true);
    str_puts(out, " } }\n@media print { :root {");
    put_inks(out, false);
    str_puts(out, " } }\n");
    str_puts(out, (const char *)page_css);
    str_puts(out, "</style>\n</head>\n<body>\n");
}

static bool
has_figures(const struct gallery *g, enum section section)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->exhibit[i].section == section && !g->exhibit[i].reason)
            return true;
    return false;
}

static void
put_exhibit(struct str *out, const struct exhibit *x)
{
    const struct figure *f = &x->figure;
    str_printf(out, "<figure id=\"figure-%s\"%s><div class=\"draw\">", x->name,
               f->w > 620 ? " class=\"wide\"" : "");
    figure_inline(out, f, x->name);
    str_puts(out, "</div><figcaption>");
    html_tag(out, "strong", "%s", f->title ? f->title : "");
    xml_text(out, f->about ? f->about : "");
    str_puts(out, "</figcaption></figure>\n");
}

/* Those of a section for everybody, or for those who look further. */
static void
put_figures(struct str *out, const struct gallery *g, enum section section,
            bool more)
{
    str_puts(out, "<div class=\"figures\">\n");
    for (size_t i = 0; i < g->n; i++)
        if (g->exhibit[i].section == section && !g->exhibit[i].reason &&
            g->exhibit[i].more == more)
            put_exhibit(out, &g->exhibit[i]);
    str_puts(out, "</div>\n");
}

static void
put_more_figures(struct str *out, const struct gallery *g, enum section section)
{
    bool any = false;
    for (size_t i = 0; i < g->n; i++)
        any |= g->exhibit[i].section == section && g->exhibit[i].more &&
               !g->exhibit[i].reason;
    if (!any)
        return;
    str_puts(out, "<details class=\"more\"><summary>More figures</summary>\n");
    put_figures(out, g, section, true);
    str_puts(out, "</details>\n");
}

static void
put_section(struct str *out, const struct gallery *g, enum section section)
{
    if (!has_figures(g, section))
        return;
    str_printf(out, "<section id=\"%s\">\n", sections[section].id);
    html_tag(out, "h2", "%s", sections[section].heading);
    page_findings(out, g->report, section);
    put_figures(out, g, section, false);
    put_more_figures(out, g, section);
    page_tables(out, g->report, section);
    str_puts(out, "</section>\n");
}

static void
put_link(struct str *out, const char *id, const char *heading)
{
    str_printf(out, "<a href=\"#%s\">%s</a>\n", id, heading);
}

static void
put_nav(struct str *out, const struct gallery *g)
{
    str_puts(out, "<nav aria-label=\"sections\">\n");
    if (g->report->adapted.cells)
        put_link(out, "adaptation", "Adaptation");
    for (int s = 0; s < SECTIONS; s++)
        if (has_figures(g, (enum section)s))
            put_link(out, sections[s].id, sections[s].heading);
    if (page_compares(g->report))
        put_link(out, "comparison", "Comparison");
    put_link(out, "about", "What ran");
    put_link(out, "conventions", "Conventions");
    put_link(out, "cite", "How to cite");
    str_puts(out, "</nav>\n");
}

/* "OLMoE - 14 languages, 16 layers of 64 experts". */
static void
put_lead(struct str *out, const struct folder *f)
{
    str_puts(out, "<p class=\"lead\">");
    html_tag(out, "strong", "%s", f->label);
    if (*f->kind)
        xml_printf(out, " \u00b7 %s", f->kind);
    if (f->n)
        xml_printf(out, " \u00b7 %zu language%s", f->n, f->n == 1 ? "" : "s");
    if (f->L)
        xml_printf(out, " \u00b7 %zu layers", f->L);
    if (f->E)
        xml_printf(out, " of %zu experts", f->E);
    if (*folder_word(f, "device", "name"))
        xml_printf(out, " \u00b7 on %s", folder_word(f, "device", "name"));
    if (*folder_word(f, NULL, "ended"))
        xml_printf(out, " \u00b7 %.10s", folder_word(f, NULL, "ended"));
    str_puts(out, "</p>\n");
}

/* "126 jobs - 126 adapt". */
static void
put_kinds(struct str *out, const struct report *r)
{
    str_puts(out, "<p class=\"lead\">");
    html_tag(out, "strong", "%zu jobs", r->runs);
    for (size_t i = 0; i < r->runs; i++) {
        size_t n = 0, before = 0;
        for (size_t k = 0; k < r->runs; k++)
            if (strcmp(r->run[k].kind, r->run[i].kind) == 0) {
                n++;
                before += k < i;
            }
        if (!before)
            xml_printf(out, " \u00b7 %zu %s", n,
                       *r->run[i].kind ? r->run[i].kind : "of unknown kind");
    }
    str_puts(out, "</p>\n");
}

/* Whether a kind of job could have a section; of another nobody asks. */
static bool
kind_has(const char *kind, enum section section)
{
    if (strcmp(kind, "evaluate") == 0)
        return section == SECTION_EVALUATION;
    if (strcmp(kind, "pretrain") == 0 || strcmp(kind, "adapt") == 0)
        return section == SECTION_TRAINING;
    return strcmp(kind, "analyze") != 0 ||
           (section != SECTION_TRAINING && section != SECTION_EVALUATION);
}

static bool
is_missed(const struct gallery *g, const struct exhibit *x)
{
    for (size_t i = 0; i < g->report->runs; i++)
        if (x->reason && kind_has(g->report->run[i].kind, x->section))
            return true;
    return false;
}

static void
put_omitted(struct str *out, const struct gallery *g)
{
    bool any = false;
    for (size_t i = 0; i < g->n; i++)
        any |= is_missed(g, &g->exhibit[i]);
    if (!any)
        return;
    str_puts(out, "<section id=\"omitted\">\n");
    html_tag(out, "h2", "What is not here, and why");
    html_table(out, "Figures that were left out", "figure|reason");
    for (size_t i = 0; i < g->n; i++)
        if (is_missed(g, &g->exhibit[i])) {
            html_row(out);
            html_cell(out, "%s", g->exhibit[i].name);
            html_cell(out, "%s", g->exhibit[i].reason);
        }
    html_table_end(out);
    str_puts(out, "</section>\n");
}

void
page_write(struct str *out, const struct gallery *g)
{
    const struct report *r = g->report;
    put_head(out, r->title);
    str_puts(out, "<header>\n");
    html_tag(out, "h1", "%s", r->title);
    if (r->runs > REPORT_NAMED)
        put_kinds(out, r);
    else
        for (size_t i = 0; i < r->runs; i++)
            put_lead(out, &r->run[i]);
    put_nav(out, g);
    str_puts(out, "</header>\n<main>\n");
    page_answers(out, r);
    page_warnings(out, r);
    page_adapted(out, &r->adapted);
    for (int s = 0; s < SECTIONS; s++)
        put_section(out, g, (enum section)s);
    page_compare(out, r);
    put_omitted(out, g);
    page_about(out, r);
    str_puts(out, "</main>\n<footer>\n");
    html_tag(out, "p", "Made by polymoe %s from the results folder alone.",
             PACKAGE_VERSION);
    str_puts(out, "</footer>\n<script>\n");
    str_puts(out, (const char *)page_js);
    str_puts(out, "</script>\n</body>\n</html>\n");
}
