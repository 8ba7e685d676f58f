/*
 * records.h - the records of a data set's file, one at a time, whatever its
 * form: JSON Lines, tab-separated, comma-separated.
 */
#ifndef EVAL_RECORDS_H
#define EVAL_RECORDS_H

#include <stddef.h>

#include "base/csv.h"
#include "base/json.h"

struct record {
    const char *file;
    size_t line;
    const json_t *object; // of a JSON line, or NULL
    const struct csv_table *table;
    size_t row;         // of the table
    bool headless;      // the table's first row is a record like the others
    char number[8][24]; // room for the text of numbers, one after another
    unsigned numbers;
};

/* Takes one record; a code other than MOE_OK ends the file. */
typedef int record_fn(struct moe_err *err, void *arg, struct record *r);

/* What the first row of a table is. */
enum records_header { RECORDS_HEADER, RECORDS_NO_HEADER };

/*
 * Every record of PATH.jsonl, PATH.tsv, PATH.txt (with tabs too) or PATH.csv,
 * in order.  Empty lines are
 * passed over; a first line that names columns is not a record.  `header` says
 * what a first row without the name `mark` is: a failure, or a record.
 *
 * MOE_EINPUT; MOE_EFORMAT as "FILE:LINE: ...".
 */
int records_read(struct moe_err *err, const char *path, const char *mark,
                 enum records_header header, record_fn *fn, void *arg);

/* Whether a name ends as such a file's does. */
bool records_is_name(const char *path);

/* "FILE:LINE: ..."; returns MOE_EFORMAT. */
int record_fail(struct moe_err *err, const struct record *r, const char *fmt,
                ...) MOE_PRINTF(3, 4);

/*
 * The text of a field: a string, or a whole number as its digits; NULL when
 * there is none, or it is null or empty.  It lives as long as the record; a
 * number until the eighth next one.
 */
const char *record_find(struct record *r, const char *name);

/* The same, where it must be there: MOE_EFORMAT names the field. */
int record_text(struct moe_err *err, struct record *r, const char *name,
                const char **out);

/* A cell of a table by its place, which must not be empty. */
int record_cell(struct moe_err *err, const struct record *r, size_t column,
                const char **out);

#endif
