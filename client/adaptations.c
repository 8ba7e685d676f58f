/*
 * adaptations.c - what adaptations among some jobs bought.
 */
#include "config.h"

#include "client/adaptations.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "client/table.h"
#include "report/adapted.h"

struct reading {
    struct folder *folder;
    size_t n;
    struct adapted a;
};

static void
release(struct reading *r)
{
    adapted_free(&r->a);
    for (size_t i = 0; i < r->n; i++)
        folder_free(&r->folder[i]);
    free(r->folder);
}

static int
read_all(struct moe_err *err, struct reading *r, const char *const *dir,
         size_t n)
{
    *r = (struct reading){.folder = mem_zero(n, sizeof *r->folder)};
    int rc =
        r->folder ? MOE_OK : moe_fail(err, MOE_ENOMEM, "report: out of memory");
    for (size_t i = 0; !rc && i < n; i++)
        r->n += folder_read(NULL, &r->folder[r->n], dir[i]) == MOE_OK;
    return rc ? rc : adapted_find(err, &r->a, r->folder, r->n);
}

/* An empty cell for NaN. */
static void
put_percent(struct table *t, bool sign, double x)
{
    if (isnan(x))
        table_cell(t, "%s", "");
    else if (sign)
        table_cell(t, "%+.2f %%", x);
    else
        table_cell(t, "%.1f %%", x);
}

static void
fill_table(struct table *t, const struct adapted *a)
{
    static const char *const names[] = {
        "language", "trained", "parameters", "of the reference's", "rate",
        "runs",     "before",  "after",      "to the reference"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        table_column(t, names[i], i < 2 ? TABLE_LEFT : TABLE_RIGHT);
    for (size_t i = 0; i < a->cells; i++) {
        const struct adapted_cell *c = &a->cell[i];
        table_cell(t, "%s", c->language);
        table_cell(t, "%s", a->setting[c->setting].label);
        table_cell(t, "%.0f", c->parameters);
        put_percent(t, false, 100 * adapted_part(a, c));
        table_cell(t, "%g%s", c->lr, c->edge ? "*" : "");
        table_cell(t, "%zu", c->runs);
        table_cell(t, "%.2f", exp(c->before));
        table_cell(t, "%.2f", exp(c->nll));
        put_percent(t, true, adapted_above(a, c));
    }
}

int
adaptations_print(struct moe_err *err, FILE *f, const char *const *dir,
                  size_t n)
{
    struct reading r;
    struct table t = {0};
    bool edge = false;
    int rc = read_all(err, &r, dir, n);
    if (!rc && r.a.cells) {
        fprintf(f, "\nAdaptations, perplexity of %s text\n",
                adapted_text(&r.a));
        fill_table(&t, &r.a);
        table_print(&t, f);
        table_free(&t);
        for (size_t i = 0; i < r.a.cells; i++)
            edge |= r.a.cell[i].edge;
        if (edge)
            fputs("* the smallest or the largest rate of those tried\n", f);
    }
    for (size_t i = 0; !rc && i < r.a.tests; i++) {
        struct str words = {0};
        adapted_words(&words, &r.a, &r.a.test[i]);
        fprintf(f, "\n%s\n", words.s ? words.s : "");
        str_free(&words);
    }
    release(&r);
    return rc;
}

/* A number, null for none. */
static json_t *
real(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *
cell_json(const struct adapted *a, const struct adapted_cell *c)
{
    return json_pack(
        "{s:s, s:s, s:s, s:f, s:o, s:o, s:f, s:I, s:b, s:I, s:o, s:o, s:o, "
        "s:o, s:o, s:o}",
        "language", c->language, "strategy", a->setting[c->setting].strategy,
        "trained", a->setting[c->setting].label, "parameters", c->parameters,
        "share", real(c->share), "parameters_ratio", real(adapted_part(a, c)),
        "lr", c->lr, "rates", (json_int_t)c->rates, "edge", c->edge, "runs",
        (json_int_t)c->runs, "heldout", real(exp(c->chosen_by)), "before",
        real(exp(c->before)), "perplexity", real(exp(c->nll)), "lowest",
        real(exp(c->low)), "highest", real(exp(c->high)), "above_percent",
        real(adapted_above(a, c)));
}

static json_t *
test_json(const struct adapted *a, const struct adapted_test *t)
{
    struct str words = {0};
    adapted_words(&words, a, t);
    json_t *o = json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:f, s:s, s:I, s:o, s:o, s:o, s:o, s:o, "
        "s:o, s:s}",
        "trained", a->setting[t->setting].label, "against",
        a->setting[t->other].label, "languages", (json_int_t)t->languages,
        "within", (json_int_t)t->within, "pairs", (json_int_t)t->pairs,
        "parameters_ratio", t->most, "over", t->by_run ? "pairs" : "languages",
        "n", (json_int_t)t->difference.n, "difference",
        real(t->difference.mean), "stderr", real(t->difference.stderr_), "low",
        real(t->low), "high", real(t->high), "p_within_5_percent",
        real(t->p_worse), "p_difference", real(t->p_equal), "words",
        words.s ? words.s : "");
    str_free(&words);
    return o;
}

/* The pairs of runs that the tests are of. */
static json_t *
pairs_json(const struct adapted *a)
{
    json_t *list = json_array();
    for (size_t i = 0; i < a->runs; i++) {
        const struct adapted_run *run = &a->run[i];
        const struct adapted_run *with = adapted_partner(a, run);
        if (with)
            json_array_append_new(
                list,
                json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "language",
                          run->language, "trained",
                          a->setting[run->setting].label, "model", run->model,
                          "seed", run->seed, "perplexity", real(exp(run->nll)),
                          "reference", real(exp(with->nll)), "above_percent",
                          real(adapted_percent(run->nll - with->nll))));
    }
    return list;
}

int
adaptations_json(struct moe_err *err, json_t **out, const char *const *dir,
                 size_t n)
{
    struct reading r;
    *out = NULL;
    int rc = read_all(err, &r, dir, n);
    if (!rc && r.a.cells) {
        json_t *best = json_array(), *tests = json_array();
        for (size_t i = 0; i < r.a.cells; i++)
            json_array_append_new(best, cell_json(&r.a, &r.a.cell[i]));
        for (size_t i = 0; i < r.a.tests; i++)
            json_array_append_new(tests, test_json(&r.a, &r.a.test[i]));
        *out =
            json_pack("{s:s, s:o, s:o, s:o}", "text", adapted_text(&r.a),
                      "best", best, "pairs", pairs_json(&r.a), "tests", tests);
        if (!*out)
            rc = moe_fail(err, MOE_ENOMEM, "report: out of memory");
    }
    release(&r);
    return rc;
}
