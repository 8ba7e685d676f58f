/*
 * csv.h - tables as text: UTF-8, comma, header row, numbers as %.9g, a file
 * that appears only when it is complete.
 *
 *     csv_open(err, &t, path, "language,layer,entropy");
 *     csv_text(&t, "en"); csv_int(&t, 3); csv_real(&t, 2.5); csv_end(&t);
 *     csv_close(err, &t);
 */
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fs.h"

struct csv {
    struct fs_writer w;
    bool inside; // a field of the current row was written
};

int csv_open(struct moe_err *err, struct csv *t, const char *path,
             const char *header);
void csv_text(struct csv *t, const char *s); // quoted where RFC 4180 wants it
void csv_int(struct csv *t, int64_t x);
void csv_real(struct csv *t, double x); // NaN leaves the field empty
void csv_end(struct csv *t);            // ends the row

/* A write error of any row is found here.  The file is removed then. */
int csv_close(struct moe_err *err, struct csv *t);
void csv_abort(struct csv *t);

/*
 * A table read back, every row as wide as the header.
 *
 * csv_read() fails with MOE_EINPUT, or MOE_EFORMAT naming the line.
 */
struct csv_table {
    char *text;   // the cells lie in it
    size_t *line; // of the file, where the header and each row begins
    char **cell;  // rows * columns, without the header
    char **header;
    size_t rows, columns;
};

int csv_read(struct moe_err *err, struct csv_table *t, const char *path);

/* The same with another separator.  Between tabs a quote that is not closed
 * on its line is a quote.  A byte order mark and empty lines are passed over.
 */
int csv_read_as(struct moe_err *err, struct csv_table *t, const char *path,
                char separator);
void csv_table_free(struct csv_table *t);

/* A column's place by its name; MOE_EFORMAT when there is none. */
int csv_column(struct moe_err *err, const struct csv_table *t, const char *name,
               size_t *out);

static inline const char *
csv_cell(const struct csv_table *t, size_t row, size_t column)
{
    return t->cell[row * t->columns + column];
}

/* A cell as a number, NaN when it is empty or none. */
double csv_number(const struct csv_table *t, size_t row, size_t column);

#endif
