/*
 * table.h - CSV files as rows of text, and the comparison of two of them.
 */
#ifndef TESTS_TABLE_H
#define TESTS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct table {
    char *text;  // the file; cells point into it
    char **cell; // (rows + 1, columns), the header first
    size_t rows, columns;
};

/* False when the file is missing or its rows differ in length.  Quoted fields
 * are not read: no table of the tests has one. */
bool table_read(struct table *t, const char *path);
void table_free(struct table *t);

/* The place of a column, or -1. */
int table_column(const struct table *t, const char *name);

/* A cell of row 0 .. rows - 1; "" when there is no such column. */
const char *table_text(const struct table *t, size_t row, const char *column);
double table_number(const struct table *t, size_t row, const char *column);

/* The first row from `from` on whose cell is `value`; rows when none. */
size_t table_find(const struct table *t, size_t from, const char *column,
                  const char *value);

/* Drop the rows whose cell is not `value`; nothing without that column. */
void table_keep(struct table *t, const char *column, const char *value);

/* What a comparison found. */
struct table_difference {
    size_t cells; // compared
    double worst; // largest difference
    bool ok;
    char text[256]; // the first disagreement, "" when ok
};

/*
 * Compare every number of `want` with `got`.
 *
 * Rows belong together when the cells of all shared columns that name
 * something agree: language, layer, expert and the like.  Numbers are compared
 * in the columns that both have; they may differ by `tolerance`.  A row that
 * `got` lacks is a disagreement; rows that only `got` has are not.
 */
void table_compare(struct table_difference *out, const struct table *got,
                   const struct table *want, double tolerance);

/* The same for counts, where a cell may differ by the near ties of its
 * language and layer (language,layer,tokens); NULL: by none. */
void table_compare_counts(struct table_difference *out, const struct table *got,
                          const struct table *want, const struct table *ties);

#endif
