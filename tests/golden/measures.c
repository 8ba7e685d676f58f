/*
 * measures.c - entropy, divergence, specialisation and selection computed
 * from the reference's own counts.
 */
#include "config.h"

#include "tests/golden/routing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <polymoe/routing.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "tests/support.h"
#include "tests/table.h"

static bool
read_table(struct table *t, const char *dir, const char *name)
{
    char path[700];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return table_read(t, path);
}

void
routing_compare(struct golden *g, const struct routing_case *c, const char *got,
                const char *name, double bound)
{
    struct table want, have;
    struct table_difference d = {0};
    if (!read_table(&want, c->numbers, name))
        return;
    table_keep(&want, "languages", "all");
    const char *slash = strrchr(name, '/'); // all of ours lie side by side
    if (read_table(&have, got, slash ? slash + 1 : name)) {
        table_compare(&d, &have, &want, bound);
        table_free(&have);
    }
    if (!d.ok)
        printf("  %s\n", d.text[0] ? d.text : "not written");
    golden_report(g, "routing", name, d.ok ? d.worst : INFINITY, bound, d.ok);
    table_free(&want);
}

static int64_t
largest(const struct table *t, const char *column)
{
    double most = -1;
    for (size_t i = 0; i < t->rows; i++)
        most = fmax(most, table_number(t, i, column));
    return (int64_t)most;
}

/* Put one column into the table; K is taken as 1, it is in no measure. */
static int
fill(struct moe_err *err, struct moe_routing *r, const struct table *t,
     const char *column, bool counts)
{
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < t->rows; i++) {
        const char *name = table_text(t, i, "language");
        struct moe_routing_language *p = moe_routing_find(r, name);
        if (!p)
            rc = moe_routing_add(err, r, name, &p);
        if (rc)
            return rc;
        const int64_t layer = (int64_t)table_number(t, i, "layer");
        const int64_t expert = (int64_t)table_number(t, i, "expert");
        const int64_t at = layer * r->E + expert;
        const double x = table_number(t, i, column);
        if (counts) {
            p->count[at] = (uint64_t)x;
            p->tokens += layer == 0 ? (uint64_t)x : 0;
        } else {
            p->pooled[at] = x;
        }
    }
    return rc;
}

static int
load_reference(struct moe_err *err, struct moe_routing *r,
               const struct routing_case *c)
{
    struct table counts, probabilities;
    *r = (struct moe_routing){0};
    if (!read_table(&counts, c->numbers, "counts.csv"))
        return moe_fail(err, MOE_EINPUT, "%s/counts.csv", c->numbers);
    int rc = moe_routing_init(err, r, largest(&counts, "layer") + 1,
                              largest(&counts, "expert") + 1, 1);
    if (!rc)
        rc = fill(err, r, &counts, "count", true);
    table_free(&counts);
    if (!rc && read_table(&probabilities, c->numbers, "probabilities.csv")) {
        rc = fill(err, r, &probabilities, "mean_pooled", false);
        table_free(&probabilities);
    }
    return rc;
}

/* ---- Selection ------------------------------------------------------------
 */

static const struct moe_parent parents[] = {
    {"nl", "en"}, {"ur", "ar"}, {"sk", "cs"}, {"ca", "es"},
    {"et", "fi"}, {"mr", "hi"}, {"uk", "ru"}};
enum { PARENTS = sizeof parents / sizeof *parents, MOST = 64 };

/* The selection that the reference says it made. */
static void
read_meta(struct moe_selection *s, json_t *root, int64_t layer[MOST],
          const char *high[MOST])
{
    json_t *meta = json_object_get(root, "_meta"), *x;
    size_t i;
    *s = (struct moe_selection){
        .layer = layer, .high = high, .low = parents, .n_low = PARENTS};
    s->alpha = json_number_value(json_object_get(meta, "alpha"));
    json_array_foreach(json_object_get(meta, "target_layers"), i,
                       x) if (s->layers < MOST) layer[s->layers++] =
        json_integer_value(x);
    json_array_foreach(json_object_get(meta, "hr_languages"), i,
                       x) if (s->n_high < MOST) high[s->n_high++] =
        json_string_value(x);
}

/* Every key of `want` in `got`: those of _meta that are there, the rest whole.
 */
static size_t
differing_keys(const json_t *want, const json_t *got)
{
    const char *key, *inner;
    json_t *value, *of_meta;
    size_t wrong = 0;
    json_object_foreach((json_t *)want, key, value)
    {
        const json_t *mine = json_object_get(got, key);
        if (strcmp(key, "_meta") != 0) {
            wrong += !json_equal(value, mine);
            continue;
        }
        json_object_foreach(value, inner, of_meta) wrong +=
            !json_equal(of_meta, json_object_get(mine, inner));
    }
    return wrong;
}

int
routing_selection(struct golden *g, struct moe_err *err,
                  const struct routing_case *c, const char *got)
{
    char path[700];
    json_t *want = NULL, *mine = NULL;
    snprintf(path, sizeof path, "%s/selected_experts.json", c->numbers);
    if (!fs_exists(path))
        return MOE_OK;
    int rc = json_read(err, &want, path);
    snprintf(path, sizeof path, "%s/experts.json", got);
    if (!rc)
        rc = json_read(err, &mine, path);
    if (!rc) {
        const size_t wrong = differing_keys(want, mine);
        golden_report(g, "routing", "selected_experts", (double)wrong, 0,
                      !wrong);
    }
    json_decref(want);
    json_decref(mine);
    return rc;
}

static int
compare_selection(struct golden *g, struct moe_err *err,
                  const struct moe_routing *r, const struct routing_case *c,
                  const char *dir)
{
    char path[700];
    json_t *want = NULL;
    int64_t layer[MOST];
    const char *high[MOST];
    struct moe_selection s;
    snprintf(path, sizeof path, "%s/selected_experts.json", c->numbers);
    if (!fs_exists(path))
        return MOE_OK;
    int rc = json_read(err, &want, path);
    if (rc)
        return rc;
    read_meta(&s, want, layer, high);
    snprintf(path, sizeof path, "%s/experts.json", dir);
    rc = moe_selection_write(err, r, &s, path);
    json_decref(want);
    return rc ? rc : routing_selection(g, err, c, dir);
}

/* ---- Correlation with the overlap of vocabularies -------------------------
 */

/* The value of a pair in either order, in the rows of one layer (NULL: any) */
static double
pair_value(const struct table *t, const char *layer, const char *a,
           const char *b, const char *column)
{
    for (size_t i = 0; i < t->rows; i++) {
        const char *x = table_text(t, i, "language_a");
        const char *y = table_text(t, i, "language_b");
        if ((!layer || strcmp(table_text(t, i, "layer"), layer) == 0) &&
            ((strcmp(x, a) == 0 && strcmp(y, b) == 0) ||
             (strcmp(x, b) == 0 && strcmp(y, a) == 0)))
            return table_number(t, i, column);
    }
    return NAN;
}

/* The pairs of the reference: high with low, high with high, or both. */
static struct moe_fit
fit_pairs(const struct table *overlap, const struct table *jsd,
          const char *layer, const char *measure, const char *group)
{
    double x[MOST * 2], y[MOST * 2];
    int64_t n = 0;
    for (int a = 0; a < PARENTS; a++)
        for (int b = 0; b < 2 * PARENTS; b++) {
            bool low = b < PARENTS;
            if (strcmp(group, low ? "high-high" : "high-low") == 0 ||
                (!low && b - PARENTS <= a))
                continue;
            const char *p = parents[a].parent;
            const char *q =
                low ? parents[b].language : parents[b - PARENTS].parent;
            x[n] = pair_value(overlap, NULL, p, q, measure);
            y[n++] = pair_value(jsd, layer, p, q, "jsd_counts");
        }
    return moe_linear_fit(x, y, n);
}

static void
compare_correlation(struct golden *g, const struct routing_case *c)
{
    struct table want, overlap = {0}, jsd = {0};
    double worst = 0;
    if (!read_table(&want, c->numbers, "overlap_correlation.csv"))
        return;
    bool ok = read_table(&overlap, c->numbers, "overlap.csv") &&
              read_table(&jsd, c->numbers, "jsd.csv");
    for (size_t i = 0; ok && i < want.rows; i++) {
        struct moe_fit f = fit_pairs(
            &overlap, &jsd, table_text(&want, i, "layer"),
            table_text(&want, i, "measure"), table_text(&want, i, "pairs"));
        const double got[] = {f.r, f.slope, f.intercept, (double)f.n};
        static const char *const name[] = {"pearson_r", "slope", "intercept",
                                           "n"};
        for (int k = 0; k < 4; k++) {
            double error = fabs(got[k] - table_number(&want, i, name[k]));
            worst = error <= worst ? worst : isnan(error) ? INFINITY : error;
        }
    }
    golden_report(g, "routing", "overlap_correlation", worst, 1e-9,
                  ok && worst <= 1e-9);
    table_free(&want);
    table_free(&overlap);
    table_free(&jsd);
}

/* ---- Without the nine digits of a table ------------------------------------
 */

/* Counts of a language in the layer of a row. */
static void
counts_of(double *w, const struct moe_routing *r, const struct table *t,
          size_t row, const char *column)
{
    const struct moe_routing_language *p =
        moe_routing_find(r, table_text(t, row, column));
    const int64_t layer = (int64_t)table_number(t, row, "layer");
    for (int64_t e = 0; e < r->E; e++)
        w[e] = p ? (double)p->count[layer * r->E + e] : NAN;
}

/* The largest relative error of a measure of one language, or of two. */
static void
compare_exact(struct golden *g, const struct moe_routing *r,
              const struct routing_case *c, const char *name, bool pairs)
{
    struct table want;
    double a[512], b[512], worst = 0;
    if (r->E > 512 || !read_table(&want, c->numbers, name))
        return;
    for (size_t i = 0; i < want.rows; i++) {
        counts_of(a, r, &want, i, pairs ? "language_a" : "language");
        if (pairs)
            counts_of(b, r, &want, i, "language_b");
        const double got = pairs ? moe_jsd(a, b, r->E) : moe_entropy(a, r->E);
        const double ref =
            table_number(&want, i, pairs ? "jsd_counts" : "entropy_counts");
        const double error = fabs(got - ref) / fabs(ref);
        worst = error <= worst ? worst : isnan(error) ? INFINITY : error;
    }
    golden_report(g, "routing", pairs ? "jsd, relative" : "entropy, relative",
                  worst, 1e-9, worst <= 1e-9);
    table_free(&want);
}

/* ---- All of them ----------------------------------------------------------
 */

/* The specialisation of the languages that experts are selected for. */
static int
compare_high(struct golden *g, struct moe_err *err, const struct moe_routing *r,
             const struct routing_case *c)
{
    struct table want;
    double w[PARENTS * 512], worst = 0;
    if (!read_table(&want, c->numbers, "specialization.csv"))
        return MOE_OK;
    table_keep(&want, "languages", "high");
    if (table_column(&want, "languages") < 0)
        want.rows = 0;
    for (size_t k = 0; k < want.rows; k++) {
        for (int i = 0; i < PARENTS; i++) {
            struct moe_routing_language *p =
                moe_routing_find(r, parents[i].parent);
            if (!p || r->E > 512)
                return moe_fail(err, MOE_EINPUT, "counts.csv: no %s",
                                parents[i].parent);
            for (int64_t e = 0; e < r->E; e++)
                w[i * r->E + e] =
                    (double)p->count[(int64_t)table_number(&want, k, "layer") *
                                         r->E +
                                     e];
        }
        double error = fabs(moe_specialization(w, PARENTS, r->E) -
                            table_number(&want, k, "score"));
        worst = error <= worst ? worst : isnan(error) ? INFINITY : error;
    }
    if (want.rows)
        golden_report(g, "routing", "specialization high", worst, 1e-9,
                      worst <= 1e-9);
    table_free(&want);
    return MOE_OK;
}

int
routing_measures(struct golden *g, const struct routing_case *c,
                 struct moe_err *err)
{
    struct moe_routing r;
    char dir[300];
    snprintf(dir, sizeof dir, "%s/measures", support_dir());
    int rc = fs_mkdirs(err, dir, 0777);
    if (!rc)
        rc = load_reference(err, &r, c);
    if (rc)
        return rc;
    rc = moe_routing_write(err, &r, NULL, 0, dir);
    if (!rc) {
        routing_compare(g, c, dir, "entropy.csv", 1e-6);
        routing_compare(g, c, dir, "jsd.csv", 1e-6);
        routing_compare(g, c, dir, "specialization.csv", 1e-6);
        compare_exact(g, &r, c, "entropy.csv", false);
        compare_exact(g, &r, c, "jsd.csv", true);
        compare_correlation(g, c);
        rc = compare_high(g, err, &r, c);
    }
    if (!rc)
        rc = compare_selection(g, err, &r, c, dir);
    moe_routing_free(&r);
    return rc;
}
