/*
 * html.c - the page's building blocks.
 */
#include "config.h"

#include "report/html.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "report/xml.h"

static void
format_text(struct str *out, const char *fmt, va_list ap)
{
    char text[4096];
    vsnprintf(text, sizeof text, fmt, ap);
    xml_text(out, text);
}

void
html_tag(struct str *out, const char *tag, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    str_printf(out, "<%s>", tag);
    format_text(out, fmt, ap);
    str_printf(out, "</%s>\n", tag);
    va_end(ap);
}

void
html_class(struct str *out, const char *tag, const char *class, const char *fmt,
           ...)
{
    va_list ap;
    va_start(ap, fmt);
    str_printf(out, "<%s class=\"%s\">", tag, class);
    format_text(out, fmt, ap);
    str_printf(out, "</%s>\n", tag);
    va_end(ap);
}

void
html_table(struct str *out, const char *caption, const char *columns)
{
    str_puts(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
                  "aria-label=\"");
    xml_text(out, caption);
    str_puts(out, "\"><table class=\"sort\"><caption>");
    xml_text(out, caption);
    str_puts(out, "</caption>\n<thead><tr>");
    for (const char *p = columns; *p;) {
        const size_t n = strcspn(p, "|");
        char *name = str_format("%.*s", (int)n, p);
        const bool number = *p == '#';
        str_printf(out, "<th scope=\"col\"%s>", number ? " class=\"n\"" : "");
        xml_text(out, name ? name + number : "");
        str_puts(out, "</th>");
        free(name);
        p += n + (p[n] == '|');
    }
    str_puts(out, "</tr></thead>\n<tbody>");
}

void
html_row(struct str *out)
{
    const bool first =
        out->n >= 7 && out->s && strcmp(out->s + out->n - 7, "<tbody>") == 0;
    str_puts(out, first ? "\n<tr>" : "</tr>\n<tr>");
}

/* A table without rows has a row that says so. */
void
html_table_end(struct str *out)
{
    const bool empty =
        out->n >= 7 && out->s && strcmp(out->s + out->n - 7, "<tbody>") == 0;
    str_puts(out, empty ? "<tr><td>no rows</td></tr>" : "</tr>");
    str_puts(out, "\n</tbody></table></div>\n");
}

void
html_cell(struct str *out, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    str_puts(out, "<td>");
    format_text(out, fmt, ap);
    str_puts(out, "</td>");
    va_end(ap);
}

/* What snprintf made of a number, with a true minus sign. */
static void
number(struct str *out, const char *text, double x)
{
    if (!isfinite(x)) {
        str_puts(out, "<td class=\"n missing\" title=\"missing\">\u2013</td>");
        return;
    }
    str_puts(out, "<td class=\"n\">");
    if (*text == '-')
        str_puts(out, "\u2212");
    str_puts(out, *text == '-' ? text + 1 : text);
    str_puts(out, "</td>");
}

void
html_number(struct str *out, int digits, double x)
{
    char text[400];
    snprintf(text, sizeof text, "%.*f", digits, x);
    number(out, text, x);
}

void
html_delta(struct str *out, int digits, double x)
{
    char text[400];
    snprintf(text, sizeof text, "%+.*f", digits, x);
    number(out, text, x);
}

static void
csv_value(struct str *out, const struct csv_table *t, size_t row, size_t c)
{
    const char *text = csv_cell(t, row, c);
    const double x = csv_number(t, row, c);
    if (!isfinite(x) && *text)
        html_cell(out, "%s", text);
    else
        html_number(out, x == floor(x) && fabs(x) < 1e15 ? 0 : 4, x);
}

void
html_csv(struct str *out, const struct csv_table *t, const char *caption,
         const char *file, size_t most)
{
    struct str columns = {0};
    for (size_t c = 0; c < t->columns; c++)
        str_printf(&columns, "%s%s", c ? "|" : "", t->header[c]);
    html_table(out, caption, columns.s ? columns.s : "");
    for (size_t r = 0; r < t->rows && r < most; r++) {
        html_row(out);
        for (size_t c = 0; c < t->columns; c++)
            csv_value(out, t, r, c);
    }
    html_table_end(out);
    if (t->rows > most)
        html_class(out, "p", "quiet", "%zu more rows are in %s.",
                   t->rows - most, file);
    out->failed |= columns.failed;
    str_free(&columns);
}
