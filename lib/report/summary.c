/*
 * summary.c - the numbers that figures, tables and findings share.
 */
#include "config.h"

#include "report/summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const double GAP = 0.01; // study A's alpha

/* ---- Means and extremes ---------------------------------------------------
 */

struct mean {
    double sum;
    size_t n;
};

static void
mean_add(struct mean *m, double x)
{
    if (isfinite(x)) {
        m->sum += x;
        m->n++;
    }
}

static double
mean_of(const struct mean *m)
{
    return m->n ? m->sum / (double)m->n : NAN;
}

double
summary_jsd(const struct folder *f, size_t layer, bool high, bool without_pivot)
{
    struct mean m = {0};
    for (size_t a = 0; a < f->n; a++)
        for (size_t b = a + 1; b < f->n; b++) {
            const bool pivot = a == f->pivot || b == f->pivot;
            if ((high && !(f->high[a] && f->high[b])) ||
                (without_pivot && pivot))
                continue;
            mean_add(&m, folder_at(f, GRID_JSD, layer, a, b));
        }
    return mean_of(&m);
}

double
summary_mean(const struct folder *f, enum folder_grid grid, size_t layer,
             size_t but)
{
    struct mean m = {0};
    for (size_t i = 0; i < f->n; i++)
        if (i != but)
            mean_add(&m, folder_at(f, grid, layer, i, 0));
    return mean_of(&m);
}

size_t
summary_extreme(const double *value, size_t n, double sign)
{
    size_t best = n;
    for (size_t i = 0; i < n; i++)
        if (isfinite(value[i]) &&
            (best == n || sign * value[i] > sign * value[best]))
            best = i;
    return best;
}

size_t
summary_most_special(const struct folder *f)
{
    const double *v = f->grid[GRID_SPECIAL].v;
    return v ? summary_extreme(v, f->L, 1) : f->L;
}

size_t
summary_least_special(const struct folder *f)
{
    const double *v = f->grid[GRID_SPECIAL].v;
    return v ? summary_extreme(v, f->L, -1) : f->L;
}

/* ---- Pairs -----------------------------------------------------------------
 */

bool
summary_is_pair(const struct folder *f, size_t a, size_t b)
{
    return a != b && (f->high[a] || f->high[b]);
}

bool
summary_are_sisters(const struct folder *f, size_t a, size_t b)
{
    return f->parent[a] == b || f->parent[b] == a;
}

struct moe_fit
summary_overlap(const struct folder *f, size_t layer, enum folder_grid overlap)
{
    struct moe_fit fit = {NAN, NAN, NAN, 0};
    double *x = mem_zero(f->n * f->n + 1, sizeof *x);
    double *y = mem_zero(f->n * f->n + 1, sizeof *y);
    int64_t n = 0;
    for (size_t a = 0; x && y && a < f->n; a++)
        for (size_t b = a + 1; b < f->n; b++) {
            const double o = folder_at(f, overlap, a, b, 0);
            const double d = folder_at(f, GRID_JSD, layer, a, b);
            if (!summary_is_pair(f, a, b) || !isfinite(o) || !isfinite(d))
                continue;
            x[n] = o;
            y[n++] = d;
        }
    if (x && y)
        fit = moe_linear_fit(x, y, n);
    free(x);
    free(y);
    return fit;
}

size_t
summary_nearest(const struct folder *f, size_t layer, size_t language)
{
    size_t best = f->n;
    double least = INFINITY;
    for (size_t i = 0; i < f->n; i++) {
        const double d = folder_at(f, GRID_JSD, layer, language, i);
        if (i != language && d < least) {
            least = d;
            best = i;
        }
    }
    return best;
}

/* ---- Experts ----------------------------------------------------------------
 */

static double
choices(const struct folder *f, size_t layer, size_t language)
{
    double sum = 0;
    for (size_t e = 0; e < f->E; e++)
        sum += folder_at(f, GRID_COUNT, layer, language, e);
    return sum;
}

double
summary_share(const struct folder *f, size_t layer, size_t language,
              size_t expert)
{
    const double all = choices(f, layer, language);
    return all > 0 ? folder_at(f, GRID_COUNT, layer, language, expert) / all
                   : NAN;
}

double
summary_noise(const struct folder *f, size_t layer, size_t language)
{
    const double all = choices(f, layer, language);
    return all > 0 ? ((double)f->E - 1) / (4 * all) : NAN;
}

const char *
summary_heir(const struct folder *f, size_t language)
{
    const json_t *meta = json_object_get(f->experts, "_meta");
    const char *rule = json_string_value(json_object_get(meta, "rule"));
    const char *heir;
    json_t *parent;
    if (json_object_get(f->experts, f->language[language]))
        return f->language[language];
    if (rule && strcmp(rule, "explicit") == 0)
        return NULL;
    json_object_foreach(json_object_get(meta, "parents"), heir, parent)
    {
        const char *name = json_string_value(parent);
        if (name && strcmp(name, f->language[language]) == 0)
            return heir;
    }
    return NULL;
}

static int
from_file(const struct folder *f, const char *list, size_t layer,
          size_t language, size_t *expert)
{
    char key[32];
    const char *heir = summary_heir(f, language);
    snprintf(key, sizeof key, "%zu", layer);
    const json_t *lists = heir ? json_object_get(f->experts, heir) : NULL;
    const json_t *own = json_object_get(json_object_get(lists, list), key);
    int n = 0;
    if (!own)
        return -1;
    for (size_t e = 0; e < f->E; e++)
        for (size_t i = 0; i < json_array_size(own); i++)
            if (json_integer_value(json_array_get(own, i)) == (json_int_t)e) {
                expert[n++] = e;
                break;
            }
    return n;
}

static int
by_gap(const struct folder *f, size_t layer, size_t language, size_t *expert)
{
    const struct grid *g = &f->grid[GRID_COUNT];
    int32_t *owner = mem_zero(f->E + 1, sizeof *owner);
    int n = -1;
    if (owner && g->v && f->n > 1 && layer < g->n[0] &&
        moe_select_by_gap(NULL, owner, g->v + layer * f->n * f->E,
                          (int64_t)f->n, (int64_t)f->E, GAP) == MOE_OK) {
        n = 0;
        for (size_t e = 0; e < f->E; e++)
            if (owner[e] == (int32_t)language)
                expert[n++] = e;
    }
    free(owner);
    return n;
}

int
summary_experts(const struct folder *f, const char *list, size_t layer,
                size_t language, size_t *expert)
{
    return f->experts ? from_file(f, list, layer, language, expert)
                      : by_gap(f, layer, language, expert);
}
