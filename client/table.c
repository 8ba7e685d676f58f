/*
 * table.c - a table for people.
 */
#include "config.h"

#include "client/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "client/text.h"

enum { MAX_COLUMNS = 16, GAP = 2, NARROWEST = 8 };

static void
add(struct table *t, const char *text)
{
    char **grown = mem_grow(t->cell, &t->cap, t->n + 1, sizeof *grown);
    char *clean = grown ? text_clean(text) : NULL;
    if (grown)
        t->cell = grown;
    if (!clean) {
        t->failed = true;
        return;
    }
    t->cell[t->n++] = clean;
}

void
table_column(struct table *t, const char *name, enum table_align align)
{
    if (t->columns == MAX_COLUMNS) {
        t->failed = true;
        return;
    }
    t->align[t->columns++] = align;
    add(t, name);
}

void
table_cell(struct table *t, const char *fmt, ...)
{
    char small[128], *text = small;
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    if (n >= (int)sizeof small && (text = malloc((size_t)n + 1)))
        vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(ap);
    if (n < 0 || !text)
        t->failed = true;
    else
        add(t, text);
    if (text != small)
        free(text);
}

static void
measure(const struct table *t, FILE *f, size_t width[MAX_COLUMNS])
{
    size_t total = 0, room = text_columns(f);
    memset(width, 0, MAX_COLUMNS * sizeof *width);
    for (size_t i = 0; i < t->n; i++) {
        size_t w = text_width(t->cell[i]);
        if (w > width[i % t->columns])
            width[i % t->columns] = w;
    }
    for (size_t c = 0; c < t->columns; c++)
        total += width[c] + GAP;
    for (size_t c = 0; room && c < t->columns && total > room + GAP; c++) {
        size_t over = total - room - GAP, least = NARROWEST;
        if (t->align[c] != TABLE_CUT || width[c] <= least)
            continue;
        size_t cut = over < width[c] - least ? over : width[c] - least;
        width[c] -= cut;
        total -= cut;
    }
}

static void
print_cell(const struct table *t, FILE *f, size_t i, size_t width)
{
    const char *text = t->cell[i];
    size_t c = i % t->columns, w = text_width(text), n = strlen(text);
    bool last = c + 1 == t->columns;
    if (w > width) {
        n = text_fit(text, width - 1);
        fwrite(text, 1, n, f);
        fputs("\xe2\x80\xa6", f); // an ellipsis
    } else {
        if (t->align[c] == TABLE_RIGHT)
            fprintf(f, "%*s", (int)(width - w), "");
        fwrite(text, 1, n, f);
        if (t->align[c] != TABLE_RIGHT && !last)
            fprintf(f, "%*s", (int)(width - w), "");
    }
    fputs(last ? "\n" : "  ", f);
}

void
table_print(const struct table *t, FILE *f)
{
    size_t width[MAX_COLUMNS];
    if (t->failed || !t->columns)
        return;
    measure(t, f, width);
    for (size_t i = 0; i < t->n; i++)
        print_cell(t, f, i, width[i % t->columns]);
}

void
table_free(struct table *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->cell[i]);
    free(t->cell);
    *t = (struct table){0};
}
