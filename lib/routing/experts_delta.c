/*
 * experts_delta.c - the experts that a language or a task activates more
 * often, from the table of an analysis.
 */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/mem.h"
#include "routing/experts_set.h"

struct row {
    int64_t layer, expert;
    double delta;
};

/* Columns of the file. */
struct columns {
    size_t kind, name, layer, expert, delta;
};

static int
find_columns(struct moe_err *err, const struct csv_table *t, struct columns *c)
{
    int rc = csv_column(err, t, "kind", &c->kind);
    if (!rc)
        rc = csv_column(err, t, "language", &c->name);
    if (!rc)
        rc = csv_column(err, t, "layer", &c->layer);
    if (!rc)
        rc = csv_column(err, t, "expert", &c->expert);
    return rc ? rc : csv_column(err, t, "delta", &c->delta);
}

static bool
names_it(const struct csv_table *t, const struct columns *c, size_t i,
         const char *name)
{
    if (strcmp(name, "multilingual") == 0)
        return strcmp(csv_cell(t, i, c->kind), "language") == 0;
    return strcmp(csv_cell(t, i, c->name), name) == 0;
}

static bool
in_range(double x, int64_t n)
{
    return x >= 0 && x < (double)n && x == floor(x);
}

/* Furthest from zero first, then by layer and expert. */
static int
by_delta(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (fabs(x->delta) != fabs(y->delta))
        return fabs(x->delta) > fabs(y->delta) ? -1 : 1;
    if (x->layer != y->layer)
        return x->layer < y->layer ? -1 : 1;
    return x->expert < y->expert ? -1 : x->expert > y->expert;
}

/* The rows of that name beyond tau into row[], *n of them. */
static int
pick(struct moe_err *err, struct row *row, size_t *n, const char *path,
     const struct csv_table *t, const char *name, double tau, int sign,
     int64_t L, int64_t E)
{
    struct columns c;
    bool known = false;
    int rc = find_columns(err, t, &c);
    for (size_t i = 0; !rc && i < t->rows; i++) {
        if (!names_it(t, &c, i, name))
            continue;
        const double l = csv_number(t, i, c.layer);
        const double e = csv_number(t, i, c.expert);
        const double d = csv_number(t, i, c.delta);
        known = true;
        if (!in_range(l, L) || !in_range(e, E))
            return moe_fail(
                err, MOE_EFORMAT,
                "%s: line %zu: layer %s, expert %s, want them to %" PRId64
                " and %" PRId64,
                path, i + 2, csv_cell(t, i, c.layer), csv_cell(t, i, c.expert),
                L - 1, E - 1);
        if (sign * d > tau)
            row[(*n)++] = (struct row){(int64_t)l, (int64_t)e, d};
    }
    if (!rc && !known && sign > 0)
        rc = moe_fail(err, MOE_EINVAL, "%s: no row of language or task %s",
                      path, name);
    return rc;
}

int
moe_experts_read_delta(struct moe_err *err, struct moe_experts *out,
                       const char *path, const char *name, double tau, int sign,
                       int64_t L, int64_t E)
{
    struct csv_table t;
    size_t n = 0;
    *out = (struct moe_experts){0};
    int rc = csv_read(err, &t, path);
    if (rc)
        return rc;
    struct row *row = mem_zero(t.rows, sizeof *row);
    if (!row)
        rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    if (!rc)
        rc = pick(err, row, &n, path, &t, name, tau, sign, L, E);
    if (!rc)
        rc = experts_open(err, out, L, E);
    if (!rc) {
        qsort(row, n, sizeof *row, by_delta);
        for (size_t i = 0; i < n; i++)
            experts_add(out, row[i].layer, row[i].expert);
        experts_close(out);
    }
    free(row);
    csv_table_free(&t);
    return rc;
}
