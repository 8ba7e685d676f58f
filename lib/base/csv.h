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

#endif
