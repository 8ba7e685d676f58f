/*
 * csv.c - tables as text.
 */
#include "base/csv.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

int
csv_open(struct moe_err *err, struct csv *t, const char *path,
         const char *header)
{
    *t = (struct csv){0};
    int rc = fs_create(err, &t->w, path);
    if (!rc)
        fprintf(t->w.f, "%s\n", header);
    return rc;
}

static FILE *
field(struct csv *t)
{
    if (t->inside)
        fputc(',', t->w.f);
    t->inside = true;
    return t->w.f;
}

void
csv_text(struct csv *t, const char *s)
{
    FILE *f = field(t);
    if (!s[strcspn(s, ",\"\r\n")]) {
        fputs(s, f);
        return;
    }
    fputc('"', f);
    for (; *s; s++) {
        if (*s == '"')
            fputc('"', f);
        fputc(*s, f);
    }
    fputc('"', f);
}

void
csv_int(struct csv *t, int64_t x)
{
    fprintf(field(t), "%" PRId64, x);
}

void
csv_real(struct csv *t, double x)
{
    FILE *f = field(t);
    if (!isnan(x))
        fprintf(f, "%.9g", x);
}

void
csv_end(struct csv *t)
{
    fputc('\n', t->w.f);
    t->inside = false;
}

int
csv_close(struct moe_err *err, struct csv *t)
{
    if (!ferror(t->w.f))
        return fs_commit(err, &t->w);
    int rc = moe_fail(err, MOE_EIO, "%s: write failed", t->w.path);
    fs_abort(&t->w);
    return rc;
}

void
csv_abort(struct csv *t)
{
    fs_abort(&t->w);
}
