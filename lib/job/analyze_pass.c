/*
 * analyze_pass.c - the windows of a language's text.
 */
#include "config.h"

#include <stdlib.h>

#include "base/clock.h"
#include "job/analyze.h"

/* The losses of the windows of one pass. */
static int
add_losses(struct analysis *a, struct moe_routing_language *to, int64_t windows)
{
    int rc = moe_run_nll(a->pass, a->nll);
    for (int64_t i = 0; !rc && i < windows * (a->W - 1); i++)
        to->nll += a->nll[i];
    if (!rc)
        to->predicted += (uint64_t)(windows * (a->W - 1));
    return rc;
}

/* The same windows through the second checkpoint. */
static int
compare_second(struct analysis *a, struct usage *u, const int32_t *ids,
               int64_t windows)
{
    if (!a->second_pass)
        return MOE_OK;
    choices_begin(a->second_choices, windows * a->W);
    int rc = moe_run_forward(a->second_pass, ids, windows, a->W);
    if (!rc)
        rc = choices_end(a->second_choices, ids);
    return rc ? rc : choices_common(a->choices, a->second_choices, u->common);
}

/* One pass over `windows` windows from token `at` on. */
static int
run_pass(struct analysis *a, struct analyze_part *p,
         struct moe_routing_language *to, size_t at, int64_t windows,
         size_t *document)
{
    const size_t n = (size_t)(windows * a->W);
    const int32_t *ids = p->corpus.ids.id + at;
    size_t segments = corpus_segments(&p->corpus, a->segment, at, n, document);
    int rc = collect_begin(a->collect, a->segment, segments);
    choices_begin(a->choices, (int64_t)n);
    if (!rc)
        rc = moe_run_forward(a->pass, ids, windows, a->W);
    if (!rc)
        rc = collect_end(a->collect, to);
    if (!rc)
        rc = choices_end(a->choices, ids);
    if (!rc && a->nll)
        rc = add_losses(a, to, windows);
    return rc ? rc : compare_second(a, &p->usage, ids, windows);
}

static int
measure(struct moe_err *err, struct analysis *a, struct analyze_part *p,
        struct moe_routing_language *to)
{
    const char *name = p->language->name;
    size_t document = 0;
    int rc = analyze_step(err, a, name, 0);
    for (int64_t w = 0; !rc && w < p->windows; w += a->B) {
        const int64_t windows = p->windows - w < a->B ? p->windows - w : a->B;
        rc = run_pass(a, p, to, (size_t)(w * a->W), windows, &document);
        rc = rc ? moe_fail(err, rc, "%s: %s", name,
                           moe_ctx_err(a->run->ctx)->text)
                : analyze_step(err, a, name, (uint64_t)(windows * a->W));
    }
    if (!rc)
        collect_finish(a->collect, to);
    return rc ? rc : choices_take(err, a->choices, &p->usage);
}

static int
measure_part(struct moe_err *err, struct analysis *a, size_t i)
{
    struct analyze_part *p = &a->part[i];
    struct moe_routing_language *to = a->table.language[i];
    const double start = clock_seconds();
    int rc = measure(err, a, p, to);
    if (!rc)
        rc = analyze_save(err, a, i);
    if (!rc)
        analyze_report(a->run, to, clock_seconds() - start);
    corpus_free(&p->corpus);
    return rc;
}

int
analyze_parts(struct moe_err *err, struct analysis *a)
{
    int rc = MOE_OK;
    a->watched = a->choices;
    for (size_t i = 0; !rc && i < a->parts; i++)
        if (!a->part[i].saved)
            rc = measure_part(err, a, i);
    return rc;
}
