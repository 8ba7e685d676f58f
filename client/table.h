/*
 * table.h - a table for people: columns as wide as their widest cell.
 *
 *     struct table t = {0};
 *     table_column(&t, "language", TABLE_LEFT);
 *     table_column(&t, "entropy", TABLE_RIGHT);
 *     table_cell(&t, "%s", "ca"); table_cell(&t, "%.3f", 2.5);
 *     table_print(&t, stdout);
 *     table_free(&t);
 */
#ifndef CLIENT_TABLE_H
#define CLIENT_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include <polymoe/error.h>

enum table_align {
    TABLE_LEFT,
    TABLE_RIGHT,
    TABLE_CUT // left, and made narrower where the terminal is too narrow
};

struct table {
    char **cell; // row by row, the header first
    size_t n, cap, columns;
    enum table_align align[16];
    bool failed; // an allocation failed; nothing is printed
};

/* Columns first, then cells from left to right, row by row.  Control bytes
 * in a cell become '?'. */
void table_column(struct table *t, const char *name, enum table_align align);
void table_cell(struct table *t, const char *fmt, ...) MOE_PRINTF(2, 3);

void table_print(const struct table *t, FILE *f);
void table_free(struct table *t);

#endif
