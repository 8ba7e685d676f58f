/*
 * adapted_compare.c - one way of adapting against another, paired.
 */
#include "config.h"

#include "report/adapted.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static bool
is_of(const struct adapted_run *run, const struct adapted_cell *c)
{
    return run->setting == c->setting && run->lr == c->lr &&
           strcmp(run->language, c->language) == 0;
}

const struct adapted_run *
adapted_partner(const struct adapted *a, const struct adapted_run *run)
{
    const struct adapted_cell *c = adapted_cell(a, run->language, run->setting);
    const struct adapted_cell *other = adapted_cell(a, run->language, a->other);
    if (!c || !other || c == other || !is_of(run, c))
        return NULL;
    for (size_t i = 0; i < a->runs; i++)
        if (is_of(&a->run[i], other) &&
            strcmp(a->run[i].model, run->model) == 0 &&
            strcmp(a->run[i].seed, run->seed) == 0)
            return &a->run[i];
    return NULL;
}

size_t
adapted_pairs(const struct adapted *a, const struct adapted_cell *c, double *d)
{
    size_t n = 0;
    for (size_t i = 0; i < a->runs; i++) {
        const struct adapted_run *with =
            is_of(&a->run[i], c) ? adapted_partner(a, &a->run[i]) : NULL;
        if (with)
            d[n++] = a->run[i].nll - with->nll;
    }
    return n;
}

/* What the sample says of the mean. */
static void
judge(struct adapted_test *t, const double *d, size_t n)
{
    const struct sample s = sample_of(d, n);
    const double margin = log(ADAPTED_MARGIN);
    t->difference = s;
    t->low = t->high = t->p_equal = t->p_worse = NAN;
    if (!(s.stderr_ > 0))
        return;
    const double half = student_two_sided(0.05, n - 1) * s.stderr_;
    t->low = s.mean - half;
    t->high = s.mean + half;
    t->p_equal = 2 * student_below(-fabs(s.mean) / s.stderr_, n - 1);
    t->p_worse = student_below((s.mean - margin) / s.stderr_, n - 1);
}

static void
compare(const struct adapted *a, struct adapted_test *t, double *of_language,
        double *d)
{
    for (size_t i = 0; i < a->cells; i++) {
        const struct adapted_cell *c = &a->cell[i];
        const size_t n = c->setting == t->setting ? adapted_pairs(a, c, d) : 0;
        if (!n)
            continue;
        const double mean = sample_of(d, n).mean;
        of_language[t->languages++] = mean;
        t->within += mean <= log(ADAPTED_MARGIN);
        t->pairs += n;
        t->most = fmax(t->most, adapted_part(a, c));
    }
    t->by_run = t->languages == 1;
    if (t->by_run)
        judge(t, d, t->pairs);
    else
        judge(t, of_language, t->languages);
}

/* final_layers, or what trains most. */
static size_t
reference(const struct adapted *a)
{
    const struct adapted_cell *most = NULL;
    for (size_t i = 0; i < a->cells; i++) {
        const struct adapted_cell *c = &a->cell[i];
        if (strcmp(a->setting[c->setting].strategy, "final_layers") == 0)
            return c->setting;
        if (!most || c->parameters > most->parameters)
            most = c;
    }
    return most ? most->setting : 0;
}

int
adapted_compare(struct moe_err *err, struct adapted *a)
{
    double *of_language = mem_zero(a->cells, sizeof *of_language);
    double *d = mem_zero(a->runs, sizeof *d);
    a->test = mem_zero(a->settings, sizeof *a->test);
    a->other = reference(a);
    int rc = of_language && d && a->test
                 ? MOE_OK
                 : moe_fail(err, MOE_ENOMEM, "report: out of memory");
    for (size_t i = 0; !rc && i < a->settings; i++) {
        struct adapted_test *t = &a->test[a->tests];
        *t = (struct adapted_test){.setting = i, .other = a->other};
        if (i != a->other)
            compare(a, t, of_language, d);
        a->tests += t->languages > 0;
    }
    free(of_language);
    free(d);
    return rc;
}

/* ---- In words ----------------------------------------------------------- */

double
adapted_percent(double nats)
{
    return 100 * (exp(nats) - 1);
}

double
adapted_above(const struct adapted *a, const struct adapted_cell *c)
{
    const struct adapted_cell *other = adapted_cell(a, c->language, a->other);
    return other && other != c ? adapted_percent(c->nll - other->nll) : NAN;
}

double
adapted_part(const struct adapted *a, const struct adapted_cell *c)
{
    const struct adapted_cell *other = adapted_cell(a, c->language, a->other);
    return other && other != c ? c->parameters / other->parameters : NAN;
}

const char *
adapted_text(const struct adapted *a)
{
    return a->tested ? "test" : "held-out";
}

static const char *
shown(double p)
{
    return p < 0.05 ? "shown" : "not shown";
}

void
adapted_words(struct str *out, const struct adapted *a,
              const struct adapted_test *t)
{
    str_printf(out,
               "%s: %s perplexity at most 5 %% above that of %s in %zu of %zu "
               "language%s, with %s%.1f %% of its trained parameters. ",
               a->setting[t->setting].label, adapted_text(a),
               a->setting[t->other].label, t->within, t->languages,
               t->languages == 1 ? "" : "s",
               t->languages == 1 ? "" : "at most ", 100 * t->most);
    str_printf(out, "Mean difference %+.2f %%, over %zu ",
               adapted_percent(t->difference.mean), t->pairs);
    str_puts(out, t->pairs == 1 ? "pair of runs" : "pairs of runs");
    if (!t->by_run)
        str_printf(out, " in %zu languages", t->languages);
    if (isnan(t->p_worse)) {
        str_puts(out, t->difference.n < 2 ? "; too few for a test."
                                          : "; all the same, no test.");
        return;
    }
    str_printf(out,
               " (paired, Student's t of %zu %s, 95 %% interval %+.2f to "
               "%+.2f %%). Less than 5 %% above: %s (p = %.2g). A difference: "
               "%s (p = %.2g).",
               t->difference.n, t->by_run ? "pairs" : "languages",
               adapted_percent(t->low), adapted_percent(t->high),
               shown(t->p_worse), t->p_worse, shown(t->p_equal), t->p_equal);
}
