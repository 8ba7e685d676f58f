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

/*
 * Cut the field at p out, in place: quotes removed, a zero behind it.  Returns
 * what ended it, ',' or '\n' (also at the end of the text), 0 when a quote is
 * left open; *next is what follows.
 */
static char
cut_field(char *p, char **next)
{
    char *const start = p, *to = p;
    if (*p == '"') {
        for (p++; *p && (*p != '"' || p[1] == '"'); p++) {
            if (*p == '"')
                p++;
            *to++ = *p;
        }
        if (*p++ != '"')
            return 0;
    }
    while (*p && *p != ',' && *p != '\n')
        *to++ = *p++;
    char end = *p == ',' ? ',' : '\n';
    *next = *p ? p + 1 : p;
    if (end == '\n' && to > start && to[-1] == '\r')
        to--;
    *to = '\0';
    return end;
}

static int
cut_rows(struct moe_err *err, struct csv_table *t, struct cells *cells,
         const char *path)
{
    size_t line = 1;
    for (char *p = t->text; *p; line++) {
        size_t before = cells->n;
        char end;
        do {
            char **grown =
                mem_grow(cells->v, &cells->cap, cells->n + 1, sizeof *grown);
            if (!grown)
                return moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
            cells->v = grown;
            grown[cells->n++] = p;
            end = cut_field(p, &p);
        } while (end == ',');
        if (!end)
            return moe_fail(err, MOE_EFORMAT, "%s:%zu: a quote is not closed",
                            path, line);
        size_t width = cells->n - before;
        if (line == 1)
            t->columns = width;
        if (width != t->columns)
            return moe_fail(err, MOE_EFORMAT,
                            "%s:%zu: %zu fields, the header has %zu", path,
                            line, width, t->columns);
    }
    if (line == 1)
        return moe_fail(err, MOE_EFORMAT, "%s: empty", path);
    t->rows = line - 2;
    return MOE_OK;
}

int
csv_read(struct moe_err *err, struct csv_table *t, const char *path)
{
    struct cells cells = {0};
    size_t n;
    *t = (struct csv_table){0};
    int rc = fs_read(err, &t->text, &n, path, CSV_BYTES);
    if (!rc && strlen(t->text) != n)
        rc = moe_fail(err, MOE_EFORMAT, "%s: a zero byte in it", path);
    if (!rc)
        rc = cut_rows(err, t, &cells, path);
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
