/*
 * fig_delta.c - by how much each language and each task activates each expert
 * of one layer more often than the pivot's text does, with those above the
 * threshold marked (study B, equation 3).
 */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/matrix.h"

/* Columns of delta.csv or task_experts.csv; -1: missing. */
struct columns {
    const struct csv_table *t;
    int name, layer, expert, delta;
};

struct delta {
    const struct folder *f;
    size_t rows;
    const char **name; // (rows) of a language or a task
    double *value;     // (rows,E) of one layer
    unsigned char *marked;
};

static bool
find_columns(struct columns *c, const struct folder *f, enum folder_table table)
{
    *c = (struct columns){&f->table[table], folder_column(f, table, "language"),
                          folder_column(f, table, "layer"),
                          folder_column(f, table, "expert"),
                          folder_column(f, table, "delta")};
    return c->name >= 0 && c->layer >= 0 && c->expert >= 0 && c->delta >= 0;
}

static size_t
row_of(const struct delta *d, const char *name)
{
    size_t i = 0;
    while (i < d->rows && strcmp(d->name[i], name) != 0)
        i++;
    return i;
}

/* Names that have a difference, in the order of the file. */
static bool
find_rows(struct delta *d, const struct columns *c)
{
    size_t cap = 0;
    for (size_t r = 0; r < c->t->rows; r++) {
        const char *name = csv_cell(c->t, r, (size_t)c->name);
        if (isnan(csv_number(c->t, r, (size_t)c->delta)) ||
            row_of(d, name) < d->rows)
            continue;
        const char **grown =
            mem_grow(d->name, &cap, d->rows + 1, sizeof *grown);
        if (!grown)
            return false;
        d->name = grown;
        d->name[d->rows++] = name;
    }
    return true;
}

/* The cell of a row of the file in the matrix of one layer, or -1. */
static ptrdiff_t
cell_of(const struct delta *d, const struct columns *c, size_t r, size_t layer)
{
    const double e = csv_number(c->t, r, (size_t)c->expert);
    if (csv_number(c->t, r, (size_t)c->layer) != (double)layer ||
        !(e >= 0 && e < (double)d->f->E))
        return -1;
    const size_t i = row_of(d, csv_cell(c->t, r, (size_t)c->name));
    return i < d->rows ? (ptrdiff_t)(i * d->f->E + (size_t)e) : -1;
}

/* Whether any expert is above the threshold. */
static bool
fill(struct delta *d, size_t layer)
{
    struct columns c;
    bool any = false;
    for (size_t i = 0; i < d->rows * d->f->E; i++)
        d->value[i] = NAN;
    memset(d->marked, 0, d->rows * d->f->E);
    find_columns(&c, d->f, TABLE_DELTA);
    for (size_t r = 0; r < c.t->rows; r++) {
        const ptrdiff_t at = cell_of(d, &c, r, layer);
        if (at >= 0)
            d->value[at] = csv_number(c.t, r, (size_t)c.delta);
    }
    if (!find_columns(&c, d->f, TABLE_TASK_EXPERTS))
        return false;
    for (size_t r = 0; r < c.t->rows; r++) {
        const ptrdiff_t at = cell_of(d, &c, r, layer);
        if (at >= 0)
            d->marked[at] = any = true;
    }
    return any;
}

static void
draw(struct gallery *g, size_t run, size_t layer, struct delta *d)
{
    const bool marks = fill(d, layer);
    double top = 0;
    for (size_t i = 0; i < d->rows * d->f->E; i++)
        top = isnan(d->value[i]) ? top : fmax(top, fabs(d->value[i]));
    const struct matrix m = {
        .section = SECTION_EXPERTS,
        .name = "delta",
        .title = "Activation against the pivot",
        .about = marks ? "how much more often each language or task has an "
                         "expert among its top-k than the pivot's parallel "
                         "text. A mark is above the threshold of the job."
                       : "how much more often each language or task has an "
                         "expert among its top-k than the pivot's parallel "
                         "text. None is above the threshold of the job.",
        .heat = {.rows = d->rows,
                 .columns = d->f->E,
                 .value = d->value,
                 .row_name = d->name,
                 .column_title = "expert",
                 .scale_title = "\u0394 of activation",
                 .lo = top > 0 ? -top : -1,
                 .hi = top > 0 ? top : 1,
                 .balanced = true,
                 .marked = marks ? d->marked : NULL,
                 .mark_title = "above the threshold",
                 .cell_h = 16}};
    matrix_add(g, run, layer, &m);
}

static void
draw_run(struct gallery *g, size_t run)
{
    struct delta d = {.f = &g->report->run[run]};
    struct columns c;
    size_t layer[GALLERY_LAYERS];
    if (!find_columns(&c, d.f, TABLE_DELTA) || !d.f->E)
        return;
    bool ok = find_rows(&d, &c);
    d.value = mem_zero(d.rows * d.f->E + 1, sizeof *d.value);
    d.marked = mem_zero(d.rows * d.f->E + 1, 1);
    ok &= d.value && d.marked;
    g->failed |= !ok;
    const size_t n = ok && d.rows ? gallery_layers(d.f, layer) : 0;
    for (size_t k = 0; k < n; k++)
        draw(g, run, layer[k], &d);
    free(d.name);
    free(d.value);
    free(d.marked);
}

void
fig_delta(struct gallery *g)
{
    const size_t before = g->n;
    for (size_t i = 0; i < g->report->runs; i++)
        draw_run(g, i);
    if (g->n == before)
        gallery_omit(g, SECTION_EXPERTS, "delta-layer",
                     "no delta.csv: it needs parallel text");
}
