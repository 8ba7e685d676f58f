/*
 * records.c - the records of a data set's file.
 */
#include "config.h"

#include "eval/records.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "data/suffix.h"

enum { FILE_BYTES = 1 << 30 };

bool
records_is_name(const char *path)
{
    return suffix_is(path, ".jsonl") || suffix_is(path, ".tsv") ||
           suffix_is(path, ".csv") || suffix_is(path, ".txt");
}

int
record_fail(struct moe_err *err, const struct record *r, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return moe_fail(err, MOE_EFORMAT, "%s:%zu: %s", r->file, r->line, text);
}

const char *
record_find(struct record *r, const char *name)
{
    const char *text = NULL;
    size_t column;
    if (r->object) {
        const json_t *value = json_object_get(r->object, name);
        text = json_string_value(value);
        if (json_is_integer(value)) {
            char *to = r->number[r->numbers++ % 8];
            snprintf(to, sizeof r->number[0], "%lld",
                     (long long)json_integer_value(value));
            text = to;
        }
    } else if (!r->headless &&
               csv_column(NULL, r->table, name, &column) == MOE_OK)
        text = csv_cell(r->table, r->row, column);
    return text && *text ? text : NULL;
}

int
record_text(struct moe_err *err, struct record *r, const char *name,
            const char **out)
{
    *out = record_find(r, name);
    if (*out)
        return MOE_OK;
    return record_fail(err, r, "no text under '%s'", name);
}

int
record_cell(struct moe_err *err, const struct record *r, size_t column,
            const char **out)
{
    const struct csv_table *t = r->table;
    const char *none = "";
    *out = column >= t->columns ? none
           : r->row == SIZE_MAX ? t->header[column]
                                : csv_cell(t, r->row, column);
    if (**out)
        return MOE_OK;
    return record_fail(err, r, "column %zu is empty", column + 1);
}

static int
take_line(struct moe_err *err, const char *path, size_t line, const char *s,
          size_t n, record_fn *fn, void *arg)
{
    struct record r = {.file = path, .line = line};
    json_error_t e;
    json_t *object = json_loadb(s, n, JSON_REJECT_DUPLICATES, &e);
    int rc;
    if (!object)
        rc = record_fail(err, &r, "%s", e.text);
    else if (!json_is_object(object))
        rc = record_fail(err, &r, "not a JSON object");
    else {
        r.object = object;
        rc = fn(err, arg, &r);
    }
    json_decref(object);
    return rc;
}

static int
read_lines(struct moe_err *err, const char *path, record_fn *fn, void *arg)
{
    char *text;
    size_t n, line = 1;
    int rc = fs_read(err, &text, &n, path, FILE_BYTES);
    if (rc)
        return rc;
    char *p = text, *end = text + n;
    if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3;
    for (; !rc && p < end; line++) {
        char *next = memchr(p, '\n', (size_t)(end - p));
        char *stop = next ? next : end;
        size_t length = (size_t)(stop - p);
        if (strspn(p, " \t\r") < length)
            rc = take_line(err, path, line, p, length, fn, arg);
        p = stop + 1;
    }
    free(text);
    return rc;
}

/* Every cell is UTF-8, as JSON's texts are. */
static int
check_cells(struct moe_err *err, const struct record *r)
{
    const struct csv_table *t = r->table;
    for (size_t c = 0; c < t->columns; c++) {
        const char *s =
            r->row == SIZE_MAX ? t->header[c] : csv_cell(t, r->row, c);
        if (!utf8_valid(s, strlen(s)))
            return record_fail(err, r, "column %zu is not UTF-8", c + 1);
    }
    return MOE_OK;
}

static int
read_table(struct moe_err *err, const char *path, const char *mark,
           enum records_header header, record_fn *fn, void *arg)
{
    struct csv_table t;
    size_t column;
    int rc = csv_read_as(err, &t, path, suffix_is(path, ".csv") ? ',' : '\t');
    if (rc)
        return rc;
    struct record r = {.file = path, .line = t.line[0], .table = &t};
    r.headless = csv_column(NULL, &t, mark, &column) != MOE_OK;
    if (r.headless && header == RECORDS_HEADER)
        rc = record_fail(err, &r, "no column '%s'", mark);
    /* Row -1 is the first line, where it is a record. */
    for (size_t i = r.headless ? 0 : 1; !rc && i <= t.rows; i++) {
        r.row = i - 1;
        r.line = t.line[i];
        rc = check_cells(err, &r);
        if (!rc)
            rc = fn(err, arg, &r);
    }
    csv_table_free(&t);
    return rc;
}

int
records_read(struct moe_err *err, const char *path, const char *mark,
             enum records_header header, record_fn *fn, void *arg)
{
    if (suffix_is(path, ".jsonl"))
        return read_lines(err, path, fn, arg);
    if (records_is_name(path))
        return read_table(err, path, mark, header, fn, arg);
    return moe_fail(err, MOE_EFORMAT,
                    "%s: want a .jsonl, .tsv, .csv or .txt file", path);
}
