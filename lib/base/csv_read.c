/*
 * csv_read.c - tables of text, read back.
 */
#include "config.h"

#include "base/csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { CSV_BYTES = 1 << 30 };

struct cells {
    char **v;
    size_t n, cap;
};

/* Whether the quote at p is one that is closed before the next tab or line end:
 * tables with tabs are written with and without quotes. */
static bool
is_closed(const char *p)
{
    for (p++; *p && *p != '\n'; p++)
        if (*p == '"' && *++p != '"')
            return *p == '\t' || *p == '\n' || *p == '\r' || !*p;
    return false;
}

/*
 * Cut the field at p out, in place: quotes removed, a zero behind it.  Returns
 * what ended it, the separator or '\n' (also at the end of the text), 0 when a
 * quote is left open; *next is what follows; *lines counts line ends inside.
 */
static char
cut_field(char *p, char **next, char separator, size_t *lines)
{
    char *const start = p, *to = p;
    if (*p == '"' && (separator != '\t' || is_closed(p))) {
        for (p++; *p && (*p != '"' || p[1] == '"'); p++) {
            if (*p == '"')
                p++;
            *lines += *p == '\n';
            *to++ = *p;
        }
        if (*p++ != '"')
            return 0;
    }
    while (*p && *p != separator && *p != '\n')
        *to++ = *p++;
    char end = *p == separator ? separator : '\n';
    *next = *p ? p + 1 : p;
    if (end == '\n' && to > start && to[-1] == '\r')
        to--;
    *to = '\0';
    return end;
}

static int
cut_rows(struct moe_err *err, struct csv_table *t, struct cells *cells,
         const char *path, char separator)
{
    size_t line = 1, row = 0, line_cap = 0;
    char *p = t->text;
    if (strncmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3; // a byte order mark
    for (size_t inside; *p; line += 1 + inside) {
        size_t before = cells->n;
        char end;
        inside = 0;
        size_t *lines = mem_grow(t->line, &line_cap, row + 1, sizeof *lines);
        if (!lines)
            return moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
        t->line = lines;
        do {
            char **grown =
                mem_grow(cells->v, &cells->cap, cells->n + 1, sizeof *grown);
            if (!grown)
                return moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
            cells->v = grown;
            grown[cells->n++] = p;
            end = cut_field(p, &p, separator, &inside);
        } while (end == separator);
        if (!end)
            return moe_fail(err, MOE_EFORMAT, "%s:%zu: a quote is not closed",
                            path, line);
        size_t width = cells->n - before;
        if (line == 1)
            t->columns = width;
        if (width == 1 && t->columns > 1 && !*cells->v[before]) {
            cells->n = before; // an empty line
            continue;
        }
        lines[row++] = line;
        if (width != t->columns)
            return moe_fail(err, MOE_EFORMAT,
                            "%s:%zu: %zu fields, the header has %zu", path,
                            line, width, t->columns);
    }
    if (!row)
        return moe_fail(err, MOE_EFORMAT, "%s: empty", path);
    t->rows = row - 1;
    return MOE_OK;
}

int
csv_read(struct moe_err *err, struct csv_table *t, const char *path)
{
    return csv_read_as(err, t, path, ',');
}

int
csv_read_as(struct moe_err *err, struct csv_table *t, const char *path,
            char separator)
{
    struct cells cells = {0};
    size_t n;
    *t = (struct csv_table){0};
    int rc = fs_read(err, &t->text, &n, path, CSV_BYTES);
    if (!rc && strlen(t->text) != n)
        rc = moe_fail(err, MOE_EFORMAT, "%s: a zero byte in it", path);
    if (!rc)
        rc = cut_rows(err, t, &cells, path, separator);
    t->header = cells.v;
    if (rc) {
        csv_table_free(t);
        return rc;
    }
    t->cell = cells.v + t->columns;
    return MOE_OK;
}

void
csv_table_free(struct csv_table *t)
{
    free(t->header);
    free(t->line);
    free(t->text);
    *t = (struct csv_table){0};
}

int
csv_column(struct moe_err *err, const struct csv_table *t, const char *name,
           size_t *out)
{
    for (*out = 0; *out < t->columns; ++*out)
        if (strcmp(t->header[*out], name) == 0)
            return MOE_OK;
    return moe_fail(err, MOE_EFORMAT, "no column '%s'", name);
}

double
csv_number(const struct csv_table *t, size_t row, size_t column)
{
    const char *s = csv_cell(t, row, column);
    char *end;
    double x = strtod(s, &end);
    return *s && !*end ? x : NAN;
}
