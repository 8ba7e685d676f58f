/*
 * table.c - CSV files as rows of text, and the comparison of two of them.
 */
#include "config.h"

#include "tests/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"

enum { TABLE_BYTES = 1 << 28 };

static size_t
count(const char *s, char c)
{
    size_t n = 0;
    for (; *s; s++)
        n += *s == c;
    return n;
}

/* Split the text at commas and line ends, in place. */
static bool
split(struct table *t)
{
    const size_t lines = count(t->text, '\n');
    char *s = t->text;
    t->columns = 1;
    for (const char *p = s; *p && *p != '\n'; p++)
        t->columns += *p == ',';
    if (!lines || !(t->cell = calloc(lines * t->columns, sizeof *t->cell)))
        return false;
    t->rows = lines - 1;
    for (size_t i = 0; i < lines * t->columns; i++) {
        size_t n = strcspn(s, ",\n");
        bool last = i % t->columns == t->columns - 1;
        if (s[n] != (last ? '\n' : ','))
            return false;
        s[n] = '\0';
        t->cell[i] = s;
        s += n + 1;
    }
    return true;
}

bool
table_read(struct table *t, const char *path)
{
    struct moe_err err;
    size_t n;
    *t = (struct table){0};
    if (fs_read(&err, &t->text, &n, path, TABLE_BYTES) == MOE_OK && split(t))
        return true;
    table_free(t);
    return false;
}

void
table_free(struct table *t)
{
    free(t->text);
    free(t->cell);
    *t = (struct table){0};
}

int
table_column(const struct table *t, const char *name)
{
    for (size_t i = 0; i < t->columns; i++)
        if (strcmp(t->cell[i], name) == 0)
            return (int)i;
    return -1;
}

static const char *
at(const struct table *t, size_t row, int column)
{
    return t->cell[(row + 1) * t->columns + (size_t)column];
}

const char *
table_text(const struct table *t, size_t row, const char *column)
{
    int i = table_column(t, column);
    return i < 0 ? "" : at(t, row, i);
}

double
table_number(const struct table *t, size_t row, const char *column)
{
    const char *s = table_text(t, row, column);
    char *end;
    double x = strtod(s, &end);
    return end == s || *end ? NAN : x;
}

size_t
table_find(const struct table *t, size_t from, const char *column,
           const char *value)
{
    while (from < t->rows && strcmp(table_text(t, from, column), value) != 0)
        from++;
    return from;
}

void
table_keep(struct table *t, const char *column, const char *value)
{
    size_t kept = 0;
    int i = table_column(t, column);
    for (size_t row = 0; i >= 0 && row < t->rows; row++) {
        if (strcmp(at(t, row, i), value) != 0)
            continue;
        kept++;
        memmove(t->cell + kept * t->columns, t->cell + (row + 1) * t->columns,
                t->columns * sizeof *t->cell);
    }
    if (i >= 0)
        t->rows = kept;
}

/* Does this column name what the row is about? */
static bool
is_key(const char *column)
{
    static const char *const names[] = {"language", "layer",      "expert",
                                        "measure",  "language_a", "language_b",
                                        "pairs"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], column) == 0)
            return true;
    return false;
}

/* place[i] is where column i of `want` stands in `got`, or -1. */
static bool
same_row(const struct table *got, size_t g, const struct table *want, size_t w,
         const int *place)
{
    for (size_t i = 0; i < want->columns; i++)
        if (place[i] >= 0 && is_key(want->cell[i]) &&
            strcmp(at(got, g, place[i]), at(want, w, (int)i)) != 0)
            return false;
    return true;
}

/* The key of a row, for a message: "en 3 15". */
static void
row_name(char *out, size_t cap, const struct table *t, size_t row)
{
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < t->columns && n < cap; i++)
        if (is_key(t->cell[i]))
            n += (size_t)snprintf(out + n, cap - n, "%s%s", n ? " " : "",
                                  at(t, row, (int)i));
}

static void
disagree(struct table_difference *out, const struct table *want, size_t w,
         const char *column, const char *found, const char *wanted)
{
    char name[100];
    row_name(name, sizeof name, want, w);
    if (out->ok)
        snprintf(out->text, sizeof out->text, "%s: %s is %s, want %s", name,
                 column, found, wanted);
    out->ok = false;
}

static double
allowed(const struct table *ties, const struct table *want, size_t w,
        double tolerance)
{
    if (!ties)
        return tolerance;
    size_t i = 0;
    const char *layer = table_text(want, w, "layer");
    while ((i = table_find(ties, i, "language",
                           table_text(want, w, "language"))) < ties->rows &&
           strcmp(table_text(ties, i, "layer"), layer) != 0)
        i++;
    return i < ties->rows ? table_number(ties, i, "tokens") : tolerance;
}

static void
compare_row(struct table_difference *out, const struct table *got, size_t g,
            const struct table *want, size_t w, const int *place, double most)
{
    for (size_t i = 0; i < want->columns; i++) {
        if (place[i] < 0 || is_key(want->cell[i]))
            continue;
        const char *a = at(got, g, place[i]), *b = at(want, w, (int)i);
        double d = fabs(strtod(a, NULL) - strtod(b, NULL));
        out->cells++;
        if (!*a || !*b)
            d = *a == *b ? 0 : INFINITY;
        if (d > out->worst || isnan(d))
            out->worst = d;
        if (!(d <= most))
            disagree(out, want, w, want->cell[i], *a ? a : "empty", b);
    }
}

static void
compare(struct table_difference *out, const struct table *got,
        const struct table *want, const struct table *ties, double tolerance)
{
    int place[64];
    *out = (struct table_difference){.ok = true};
    for (size_t i = 0; i < want->columns; i++)
        place[i] = table_column(got, want->cell[i]);
    size_t g = 0;
    for (size_t w = 0; w < want->rows; w++) {
        // Both are usually in the same order: look on from the last row.
        size_t tried = 0;
        while (tried < got->rows && !same_row(got, g, want, w, place)) {
            g = (g + 1) % got->rows;
            tried++;
        }
        if (tried == got->rows)
            disagree(out, want, w, "the row", "missing", "present");
        else
            compare_row(out, got, g, want, w, place,
                        allowed(ties, want, w, tolerance));
    }
    if (out->ok && !out->cells && want->rows)
        disagree(out, want, 0, "the table", "without shared columns", "some");
}

void
table_compare(struct table_difference *out, const struct table *got,
              const struct table *want, double tolerance)
{
    compare(out, got, want, NULL, tolerance);
}

void
table_compare_counts(struct table_difference *out, const struct table *got,
                     const struct table *want, const struct table *ties)
{
    compare(out, got, want, ties, 0);
}
