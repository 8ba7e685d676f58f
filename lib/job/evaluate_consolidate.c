/*
 * evaluate_consolidate.c - consolidated.csv: a row a metric, a column a
 * language, and the means over languages.
 *
 * Languages are called by their short names, whatever the data sets call them.
 * Means are unweighted, over the languages that have the metric.
 */
#include "config.h"

#include "job/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/mem.h"
#include "base/str.h"
#include "eval/languages.h"

/* One number: a metric of a task in a language. */
struct cell {
    char *task, *metric;
    const char *language; // short name
    double value;
};

struct grid {
    const struct evaluation *e;
    struct cell *cell;
    size_t n, cap;
    const char **language; // (languages) sorted
    size_t languages;
    bool failed;
};

static void
take(void *arg, const struct row *r)
{
    struct grid *g = arg;
    if (!r->mean || strchr(r->task, ':'))
        return;
    struct cell *grown = mem_grow(g->cell, &g->cap, g->n + 1, sizeof *grown);
    if (!grown) {
        g->failed = true;
        return;
    }
    g->cell = grown;
    grown[g->n] =
        (struct cell){str_copy(r->task), str_copy(r->metric),
                      language_name(r->part->language->name), r->value};
    g->failed = g->failed || !grown[g->n].task || !grown[g->n].metric;
    g->n++;
}

static int
by_order(const void *a, const void *b)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    const size_t i = language_order(x), k = language_order(y);
    return i != k ? (i < k ? -1 : 1) : strcmp(x, y);
}

static int
list_languages(struct moe_err *err, struct grid *g)
{
    g->language = mem_zero(g->n, sizeof *g->language);
    if (!g->language)
        return moe_fail(err, MOE_ENOMEM, "evaluate: out of memory");
    for (size_t i = 0; i < g->n; i++) {
        size_t k = 0;
        while (k < g->languages &&
               strcmp(g->language[k], g->cell[i].language) != 0)
            k++;
        if (k == g->languages)
            g->language[g->languages++] = g->cell[i].language;
    }
    qsort(g->language, g->languages, sizeof *g->language, by_order);
    return MOE_OK;
}

static bool
is_listed(const struct job_strings *list, const char *language)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(language_name(list->item[i]), language) == 0)
            return true;
    return false;
}

/* Is it a language of much text, or of little? */
static bool
is_of(const struct grid *g, const char *language, enum resource kind)
{
    const struct job_eval *s = &g->e->spec->eval;
    const struct job_strings *list = kind == RESOURCE_HIGH ? &s->high : &s->low;
    if (kind == RESOURCE_NONE)
        return true;
    return list->n ? is_listed(list, language)
                   : language_resource(language) == kind;
}

static double
find(const struct grid *g, const struct cell *like, const char *language)
{
    for (size_t i = 0; i < g->n; i++)
        if (strcmp(g->cell[i].task, like->task) == 0 &&
            strcmp(g->cell[i].metric, like->metric) == 0 &&
            strcmp(g->cell[i].language, language) == 0)
            return g->cell[i].value;
    return NAN;
}

static double
mean(const struct grid *g, const struct cell *like, enum resource kind)
{
    double sum = 0;
    size_t n = 0;
    for (size_t k = 0; k < g->languages; k++) {
        double x = find(g, like, g->language[k]);
        if (!isnan(x) && is_of(g, g->language[k], kind)) {
            sum += x;
            n++;
        }
    }
    return n ? sum / (double)n : NAN;
}

static void
write_row(const struct grid *g, struct csv *t, const struct cell *c)
{
    csv_text(t, g->e->spec->model);
    csv_text(t, c->task);
    csv_text(t, c->metric);
    for (size_t k = 0; k < g->languages; k++)
        csv_real(t, find(g, c, g->language[k]));
    csv_real(t, mean(g, c, RESOURCE_HIGH));
    csv_real(t, mean(g, c, RESOURCE_LOW));
    csv_real(t, mean(g, c, RESOURCE_NONE));
    csv_end(t);
}

/* Is it the first cell of its task and metric? */
static bool
is_first(const struct grid *g, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(g->cell[k].task, g->cell[i].task) == 0 &&
            strcmp(g->cell[k].metric, g->cell[i].metric) == 0)
            return false;
    return true;
}

static int
write_grid(struct moe_err *err, const struct grid *g, const char *path)
{
    struct csv t;
    struct str header = {0};
    str_puts(&header, "model,task,metric");
    for (size_t k = 0; k < g->languages; k++)
        str_printf(&header, ",%s", g->language[k]);
    str_puts(&header, ",high_resource,low_resource,overall");
    int rc = header.failed ? moe_fail(err, MOE_ENOMEM, "out of memory")
                           : csv_open(err, &t, path, header.s);
    str_free(&header);
    if (rc)
        return rc;
    for (size_t i = 0; i < g->n; i++)
        if (is_first(g, i))
            write_row(g, &t, &g->cell[i]);
    return csv_close(err, &t);
}

int
evaluate_consolidate(struct moe_err *err, const struct evaluation *e)
{
    struct grid g = {.e = e};
    char *path = str_path(e->run->results_dir, "consolidated.csv");
    int rc =
        path ? MOE_OK : moe_fail(err, MOE_ENOMEM, "evaluate: out of memory");
    for (size_t i = 0; !rc && i < e->parts; i++)
        rc = part_rows(err, &e->part[i], take, &g);
    if (!rc && g.failed)
        rc = moe_fail(err, MOE_ENOMEM, "evaluate: out of memory");
    if (!rc)
        rc = list_languages(err, &g);
    if (!rc)
        rc = write_grid(err, &g, path);
    for (size_t i = 0; i < g.n; i++) {
        free(g.cell[i].task);
        free(g.cell[i].metric);
    }
    free(g.cell);
    free(g.language);
    free(path);
    return rc;
}
