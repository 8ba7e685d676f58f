/*
 * analyze_scores.c - divergence against a score that each language has.
 *
 * The file has the columns language and score, or it is the evaluation.csv of
 * an evaluation, where each task and metric is a score of its own; a row
 * without a standard error is a count, such as of ties, and no score.
 */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/mem.h"
#include "base/str.h"
#include "job/analyze.h"

/* Columns of the file. */
struct columns {
    size_t language, value;
    size_t task, metric; // of an evaluation.csv
    size_t error;        // of one with standard errors
    bool evaluation, errors;
};

static int
find_columns(struct moe_err *err, const struct csv_table *t, struct columns *c)
{
    struct moe_err why;
    c->evaluation = csv_column(&why, t, "task", &c->task) == MOE_OK;
    c->errors =
        c->evaluation && csv_column(&why, t, "stderr", &c->error) == MOE_OK;
    int rc = csv_column(err, t, "language", &c->language);
    if (!rc && c->evaluation)
        rc = csv_column(err, t, "metric", &c->metric);
    return rc ? rc
              : csv_column(err, t, c->evaluation ? "value" : "score",
                           &c->value);
}

static int
check_values(struct moe_err *err, const struct csv_table *t,
             const struct columns *c, const char *path)
{
    for (size_t i = 0; i < t->rows; i++) {
        const char *text = csv_cell(t, i, c->value);
        char *end;
        const double x = strtod(text, &end);
        if (!*text || *end || !isfinite(x))
            return moe_fail(err, MOE_EFORMAT,
                            "%s:%zu: the score of %s is '%s', want a finite "
                            "number",
                            path, i + 2, csv_cell(t, i, c->language), text);
    }
    return MOE_OK;
}

static bool
is_score(const struct csv_table *t, const struct columns *c, size_t row)
{
    return !c->errors || *csv_cell(t, row, c->error);
}

/* What a row's score is called; the caller frees it. */
static char *
score_name(const struct csv_table *t, const struct columns *c, size_t row)
{
    return c->evaluation ? str_format("%s %s", csv_cell(t, row, c->task),
                                      csv_cell(t, row, c->metric))
                         : str_copy("score");
}

/* Is `row` the first one of its score? */
static bool
is_first(const struct csv_table *t, const struct columns *c, size_t row)
{
    if (!is_score(t, c, row))
        return false;
    for (size_t i = 0; i < row; i++)
        if (!c->evaluation ||
            (strcmp(csv_cell(t, i, c->task), csv_cell(t, row, c->task)) == 0 &&
             strcmp(csv_cell(t, i, c->metric), csv_cell(t, row, c->metric)) ==
                 0))
            return false;
    return true;
}

/* The score of a language among the rows that have the score of `row`. */
static double
score_of(const struct csv_table *t, const struct columns *c, size_t row,
         const char *language)
{
    for (size_t i = row; i < t->rows; i++)
        if (strcmp(csv_cell(t, i, c->language), language) == 0 &&
            (!c->evaluation ||
             (strcmp(csv_cell(t, i, c->task), csv_cell(t, row, c->task)) == 0 &&
              strcmp(csv_cell(t, i, c->metric), csv_cell(t, row, c->metric)) ==
                  0)))
            return csv_number(t, i, c->value);
    return NAN;
}

/* Points of the fit of one layer: languages with a score and a divergence. */
static int64_t
points(const struct analysis *a, const struct csv_table *t,
       const struct columns *c, size_t row, int64_t layer, double *x, double *y)
{
    int64_t n = 0;
    for (size_t i = 0; i < a->sections; i++) {
        const struct analyze_section *s = &a->section[i];
        if (s->task || (int64_t)i == a->pivot || !s->sums.defined[layer])
            continue;
        const double score = score_of(t, c, row, s->language->name);
        if (isnan(score))
            continue;
        x[n] = s->sums.divergence[layer] / (double)s->sums.defined[layer];
        y[n++] = score;
    }
    return n;
}

static int
write_correlation(struct moe_err *err, struct analysis *a,
                  const struct csv_table *t, const struct columns *c,
                  struct csv *out)
{
    double *x = mem_zero(a->sections, sizeof *x);
    double *y = mem_zero(a->sections, sizeof *y);
    int rc = x && y ? MOE_OK : moe_fail(err, MOE_ENOMEM, "scores");
    for (size_t row = 0; !rc && row < t->rows; row++) {
        char *name = is_first(t, c, row) ? score_name(t, c, row) : NULL;
        for (int64_t l = 0; name && l < a->config.L; l++) {
            const int64_t n = points(a, t, c, row, l, x, y);
            const struct moe_fit f = moe_linear_fit(x, y, n);
            csv_text(out, name);
            csv_int(out, l);
            csv_real(out, f.r);
            csv_real(out, f.slope);
            csv_real(out, f.intercept);
            csv_int(out, n);
            csv_end(out);
            if (l == 0 && n < 2)
                job_warn(a->run,
                         "scores: %s: %lld languages with a divergence, want "
                         "2: no correlation",
                         name, (long long)n);
        }
        free(name);
    }
    free(x);
    free(y);
    return rc;
}

static void
write_values(const struct csv_table *t, const struct columns *c,
             struct csv *out)
{
    for (size_t row = 0; row < t->rows; row++) {
        if (!is_score(t, c, row))
            continue;
        char *name = score_name(t, c, row);
        csv_text(out, name ? name : "");
        csv_text(out, csv_cell(t, row, c->language));
        csv_real(out, csv_number(t, row, c->value));
        csv_end(out);
        free(name);
    }
}

static int
write_tables(struct moe_err *err, struct analysis *a, const struct csv_table *t,
             const struct columns *c)
{
    struct csv out;
    char *values = str_path(a->run->results_dir, "scores.csv");
    char *fits = str_path(a->run->results_dir, "score_correlation.csv");
    int rc = values && fits
                 ? csv_open(err, &out, values, "score,language,value")
                 : moe_fail(err, MOE_ENOMEM, "scores: out of memory");
    if (!rc) {
        write_values(t, c, &out);
        rc = csv_close(err, &out);
    }
    if (!rc)
        rc = csv_open(err, &out, fits,
                      "score,layer,pearson_r,slope,intercept,n");
    if (!rc && (rc = write_correlation(err, a, t, c, &out)))
        csv_abort(&out);
    else if (!rc)
        rc = csv_close(err, &out);
    free(values);
    free(fits);
    return rc;
}

int
analyze_scores(struct moe_err *err, struct analysis *a, bool write)
{
    struct csv_table t;
    struct columns c;
    const char *path = a->spec->measures.scores;
    int rc = csv_read(err, &t, path);
    if (rc)
        return rc;
    rc = find_columns(err, &t, &c);
    if (rc)
        rc = moe_fail(err, rc,
                      "%s: want the columns language and score, or those of "
                      "an evaluation.csv",
                      path);
    if (!rc)
        rc = check_values(err, &t, &c, path);
    if (!rc && write)
        rc = write_tables(err, a, &t, &c);
    csv_table_free(&t);
    return rc;
}
