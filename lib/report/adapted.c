/*
 * adapted.c - the adaptations among some jobs: what each trained and reached,
 * and the best learning rate of each way in each language.
 */
#include "config.h"

#include "report/adapted.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int
no_memory(struct moe_err *err)
{
    return moe_fail(err, MOE_ENOMEM, "report: out of memory");
}

void
adapted_free(struct adapted *a)
{
    for (size_t i = 0; i < a->settings; i++) {
        json_decref(a->setting[i].field);
        free(a->setting[i].label);
    }
    free(a->run);
    free(a->setting);
    free(a->cell);
    free(a->test);
    *a = (struct adapted){0};
}

/* ---- Runs
 * ----------------------------------------------------------------- */

static const char *
spec_word(const struct folder *f, const char *field)
{
    const char *word = json_string_value(json_object_get(f->spec, field));
    return word ? word : "";
}

/* The language that was trained on, NULL when there are several. */
static const char *
trained_language(const struct folder *f)
{
    const json_t *inputs = json_object_get(f->record, "inputs");
    const char *only = NULL;
    for (size_t i = 0; i < json_array_size(inputs); i++) {
        const json_t *o = json_array_get(inputs, i);
        const char *role = json_string_value(json_object_get(o, "role"));
        const char *name = json_string_value(json_object_get(o, "language"));
        if (!role || !name || strcmp(role, "data") != 0)
            continue;
        if (only && strcmp(only, name) != 0)
            return NULL;
        only = name;
    }
    return only;
}

/* The first and the last look at a language's text, NaN without. */
struct looks {
    double before, nll;
};

static struct looks
read_looks(const struct folder *f, enum folder_table table,
           const char *language)
{
    const struct csv_table *t = &f->table[table];
    const int step = folder_column(f, table, "step");
    const int name = folder_column(f, table, "language");
    const int nll = folder_column(f, table, "nll");
    struct looks x = {NAN, NAN};
    for (size_t r = 0; step >= 0 && name >= 0 && nll >= 0 && r < t->rows; r++) {
        if (strcmp(csv_cell(t, r, (size_t)name), language) != 0)
            continue;
        x.nll = csv_number(t, r, (size_t)nll);
        if (csv_number(t, r, (size_t)step) == 0)
            x.before = x.nll;
    }
    return x;
}

/* What is compared, of the runs whose folders are given. */
static void
read_compared(struct adapted *a, const struct folder *f, const size_t of[])
{
    a->tested = a->runs > 0;
    for (size_t i = 0; i < a->runs; i++)
        a->tested &=
            isfinite(read_looks(&f[of[i]], TABLE_TEST, a->run[i].language).nll);
    for (size_t i = 0; i < a->runs; i++) {
        struct adapted_run *run = &a->run[i];
        const struct looks x = read_looks(
            &f[of[i]], a->tested ? TABLE_TEST : TABLE_HELDOUT, run->language);
        run->before = x.before;
        run->nll = x.nll;
    }
}

static bool
read_run(const struct folder *f, struct adapted_run *run)
{
    const json_t *trained = json_object_get(f->record, "trained");
    const char *status = folder_word(f, NULL, "status");
    if (strcmp(f->kind, "adapt") != 0 || strcmp(status, "done") != 0)
        return false;
    *run = (struct adapted_run){
        .language = trained_language(f),
        .model = spec_word(f, "model"),
        .seed = spec_word(f, "seed"),
        .lr = strtod(spec_word(f, "optimizer.lr"), NULL),
        .parameters = json_number_value(json_object_get(trained, "parameters")),
        .share = json_number_value(json_object_get(trained, "share"))};
    if (!run->language)
        return false;
    run->chosen_by = read_looks(f, TABLE_HELDOUT, run->language).nll;
    return isfinite(run->chosen_by);
}

/* ---- The best learning rate
 * ------------------------------------------------ */

const struct adapted_cell *
adapted_cell(const struct adapted *a, const char *language, size_t setting)
{
    for (size_t i = 0; i < a->cells; i++)
        if (a->cell[i].setting == setting &&
            strcmp(a->cell[i].language, language) == 0)
            return &a->cell[i];
    return NULL;
}

static bool
same_way(const struct adapted_run *a, const struct adapted_run *b)
{
    return a->setting == b->setting && strcmp(a->language, b->language) == 0;
}

/* All runs of one way, language and learning rate. */
static struct adapted_cell
gather(const struct adapted *a, const struct adapted_run *like)
{
    struct adapted_cell c = {.language = like->language,
                             .setting = like->setting,
                             .lr = like->lr,
                             .low = INFINITY,
                             .high = -INFINITY};
    for (size_t i = 0; i < a->runs; i++) {
        const struct adapted_run *run = &a->run[i];
        if (!same_way(run, like) || run->lr != like->lr)
            continue;
        c.runs++;
        c.chosen_by += run->chosen_by;
        c.nll += run->nll;
        c.before += run->before;
        c.low = fmin(c.low, run->nll);
        c.high = fmax(c.high, run->nll);
        c.parameters = fmax(c.parameters, run->parameters);
        c.share = fmax(c.share, run->share);
    }
    c.chosen_by /= (double)c.runs;
    c.nll /= (double)c.runs;
    c.before /= (double)c.runs;
    return c;
}

/* Is it the first run of its way and language, and of its rate too? */
static bool
is_first(const struct adapted *a, size_t i, bool of_rate)
{
    for (size_t k = 0; k < i; k++)
        if (same_way(&a->run[k], &a->run[i]) &&
            (!of_rate || a->run[k].lr == a->run[i].lr))
            return false;
    return true;
}

static struct adapted_cell
best_rate(const struct adapted *a, size_t first)
{
    struct adapted_cell best = {.chosen_by = INFINITY};
    double low = INFINITY, high = -INFINITY;
    size_t rates = 0;
    for (size_t i = first; i < a->runs; i++) {
        if (!same_way(&a->run[i], &a->run[first]) || !is_first(a, i, true))
            continue;
        const struct adapted_cell c = gather(a, &a->run[i]);
        low = fmin(low, c.lr);
        high = fmax(high, c.lr);
        rates++;
        if (c.chosen_by < best.chosen_by)
            best = c;
    }
    best.rates = rates;
    best.edge = rates > 1 && (best.lr == low || best.lr == high);
    return best;
}

int
adapted_find(struct moe_err *err, struct adapted *a, const struct folder *f,
             size_t n)
{
    size_t *of = mem_zero(n, sizeof *of); // the folder of each run
    *a = (struct adapted){.run = mem_zero(n, sizeof *a->run),
                          .setting = mem_zero(n, sizeof *a->setting),
                          .cell = mem_zero(n, sizeof *a->cell)};
    int rc = of && a->run && a->setting && a->cell ? MOE_OK : no_memory(err);
    for (size_t i = 0; !rc && i < n; i++)
        if (read_run(&f[i], &a->run[a->runs]))
            of[a->runs++] = i;
    if (!rc)
        read_compared(a, f, of);
    if (!rc)
        rc = adapted_settings(err, a, f, of);
    for (size_t i = 0; !rc && i < a->runs; i++)
        if (is_first(a, i, false))
            a->cell[a->cells++] = best_rate(a, i);
    if (!rc)
        rc = adapted_compare(err, a);
    free(of);
    if (rc)
        adapted_free(a);
    return rc;
}
