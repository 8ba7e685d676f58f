/*
 * results.c - the tables of a job, shortened for people.
 */
#include "config.h"

#include "client/results.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/table.h"

enum { PAIRS_SHOWN = 5 };

/* Read OUT/results/name; t->rows is 0 when there is no such file. */
static int
read_table(struct moe_err *err, struct csv_table *t, const char *out_dir,
           const char *name)
{
    char *path = str_format("%s/results/%s", out_dir, name);
    *t = (struct csv_table){0};
    int rc = !path             ? moe_fail(err, MOE_ENOMEM, "out of memory")
             : fs_exists(path) ? csv_read(err, t, path)
                               : MOE_OK;
    free(path);
    return rc;
}

/* The places of n columns by name. */
static int
columns(struct moe_err *err, const struct csv_table *t, size_t n,
        const char *const *name, size_t *at)
{
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < n; i++)
        rc = csv_column(err, t, name[i], &at[i]);
    return rc;
}

static double
last_layer(const struct csv_table *t, size_t column)
{
    double last = -1;
    for (size_t r = 0; r < t->rows; r++)
        last = fmax(last, csv_number(t, r, column));
    return last;
}

/* An empty cell for NaN. */
static void
number_cell(struct table *t, int digits, double x)
{
    if (isnan(x))
        table_cell(t, "%s", "");
    else
        table_cell(t, "%.*f", digits, x);
}

static double
perplexity_of(const struct csv_table *p, const size_t at[2],
              const char *language)
{
    for (size_t r = 0; r < p->rows; r++)
        if (strcmp(csv_cell(p, r, at[0]), language) == 0)
            return csv_number(p, r, at[1]);
    return NAN;
}

static void
fill_entropy(struct table *out, const struct csv_table *e, const size_t at[4],
             const struct csv_table *p, const size_t at_p[2], double layer)
{
    table_column(out, "language", TABLE_LEFT);
    table_column(out, "by counts", TABLE_RIGHT);
    table_column(out, "by probabilities", TABLE_RIGHT);
    if (p->rows)
        table_column(out, "perplexity", TABLE_RIGHT);
    for (size_t r = 0; r < e->rows; r++) {
        const char *language = csv_cell(e, r, at[0]);
        if (csv_number(e, r, at[1]) != layer)
            continue;
        table_cell(out, "%s", language);
        number_cell(out, 4, csv_number(e, r, at[2]));
        number_cell(out, 4, csv_number(e, r, at[3]));
        if (p->rows)
            number_cell(out, 2, perplexity_of(p, at_p, language));
    }
}

static int
print_entropy(struct moe_err *err, FILE *f, const char *out_dir)
{
    static const char *const names[] = {"language", "layer", "entropy_counts",
                                        "entropy_probabilities"};
    static const char *const names_p[] = {"language", "perplexity"};
    struct csv_table e, p;
    size_t at[4], at_p[2];
    struct table out = {0};
    int rc = read_table(err, &e, out_dir, "entropy.csv");
    if (rc || !e.rows)
        return rc;
    if (!(rc = columns(err, &e, 4, names, at)) &&
        !(rc = read_table(err, &p, out_dir, "perplexity.csv"))) {
        if (p.rows)
            rc = columns(err, &p, 2, names_p, at_p);
        if (!rc) {
            double layer = last_layer(&e, at[1]);
            fprintf(f, "\nEntropy of expert use, last layer (%.0f), nats\n",
                    layer);
            fill_entropy(&out, &e, at, &p, at_p, layer);
            table_print(&out, f);
            table_free(&out);
        }
        csv_table_free(&p);
    }
    csv_table_free(&e);
    return rc;
}

struct pair {
    const char *a, *b;
    double jsd;
};

static int
compare_pairs(const void *x, const void *y)
{
    double a = ((const struct pair *)x)->jsd, b = ((const struct pair *)y)->jsd;
    return (a < b) - (a > b);
}

static int
print_pairs(struct moe_err *err, FILE *f, const char *out_dir)
{
    static const char *const names[] = {"layer", "language_a", "language_b",
                                        "jsd_counts"};
    struct csv_table t;
    struct table out = {0};
    size_t at[4], n = 0;
    int rc = read_table(err, &t, out_dir, "jsd.csv");
    if (rc || !t.rows)
        return rc;
    struct pair *pairs = mem_zero(t.rows, sizeof *pairs);
    rc = pairs ? columns(err, &t, 4, names, at)
               : moe_fail(err, MOE_ENOMEM, "out of memory");
    double layer = rc ? 0 : last_layer(&t, at[0]);
    for (size_t r = 0; !rc && r < t.rows; r++)
        if (csv_number(&t, r, at[0]) == layer &&
            !isnan(csv_number(&t, r, at[3])))
            pairs[n++] =
                (struct pair){csv_cell(&t, r, at[1]), csv_cell(&t, r, at[2]),
                              csv_number(&t, r, at[3])};
    if (n) {
        qsort(pairs, n, sizeof *pairs, compare_pairs);
        fprintf(f,
                "\nPairs that differ most, last layer (%.0f), "
                "Jensen-Shannon divergence, nats\n",
                layer);
        table_column(&out, "language", TABLE_LEFT);
        table_column(&out, "language", TABLE_LEFT);
        table_column(&out, "by counts", TABLE_RIGHT);
        for (size_t i = 0; i < n && i < PAIRS_SHOWN; i++) {
            table_cell(&out, "%s", pairs[i].a);
            table_cell(&out, "%s", pairs[i].b);
            table_cell(&out, "%.4f", pairs[i].jsd);
        }
        table_print(&out, f);
        table_free(&out);
    }
    free(pairs);
    csv_table_free(&t);
    return rc;
}

static int
print_specialization(struct moe_err *err, FILE *f, const char *out_dir)
{
    static const char *const names[] = {"layer", "score"};
    struct csv_table t;
    struct table out = {0};
    size_t at[2];
    int rc = read_table(err, &t, out_dir, "specialization.csv");
    if (rc || !t.rows)
        return rc;
    if (!(rc = columns(err, &t, 2, names, at))) {
        fputs("\nSpecialisation of the experts to languages, 0 to 1\n", f);
        table_column(&out, "layer", TABLE_RIGHT);
        table_column(&out, "score", TABLE_RIGHT);
        for (size_t r = 0; r < t.rows; r++) {
            table_cell(&out, "%s", csv_cell(&t, r, at[0]));
            number_cell(&out, 4, csv_number(&t, r, at[1]));
        }
        table_print(&out, f);
        table_free(&out);
    }
    csv_table_free(&t);
    return rc;
}

int
results_print(struct moe_err *err, FILE *f, const char *out_dir)
{
    int rc = print_entropy(err, f, out_dir);
    if (!rc)
        rc = print_pairs(err, f, out_dir);
    return rc ? rc : print_specialization(err, f, out_dir);
}

bool
results_any(const char *out_dir)
{
    static const char *const names[] = {"entropy.csv", "jsd.csv",
                                        "specialization.csv"};
    bool any = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = str_format("%s/results/%s", out_dir, names[i]);
        any |= path && fs_exists(path);
        free(path);
    }
    return any;
}
