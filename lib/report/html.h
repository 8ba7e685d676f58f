/*
 * html.h - the page's building blocks: tables, tags with escaped text.
 *
 * The page is HTML that is well-formed XML too, so that a strict parser can
 * check it.
 */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include <stddef.h>

#include "base/str.h"

struct csv_table;

/* <TAG>text</TAG>; the text is formatted and escaped. */
void html_tag(struct str *out, const char *tag, const char *fmt, ...)
    MOE_PRINTF(3, 4);

/* <TAG class="CLASS">text</TAG>. */
void html_class(struct str *out, const char *tag, const char *class,
                const char *fmt, ...) MOE_PRINTF(4, 5);

/*
 * A table that scrolls in its own box and that a script makes sortable.
 * `columns` are headings separated by '|'; one that begins with '#' holds
 * numbers.
 */
void html_table(struct str *out, const char *caption, const char *columns);
void html_table_end(struct str *out);
void html_row(struct str *out); // ends the row before it by itself
void html_cell(struct str *out, const char *fmt, ...) MOE_PRINTF(2, 3);

/* A number with so many digits after the point; a missing one is shown as
 * missing. */
void html_number(struct str *out, int digits, double x);
/* With a sign, for differences. */
void html_delta(struct str *out, int digits, double x);

/* Up to `most` rows of a table as it is; a line says how many more there
 * are and in which file. */
void html_csv(struct str *out, const struct csv_table *t, const char *caption,
              const char *file, size_t most);

#endif
