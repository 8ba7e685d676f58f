/*
 * analyze.c - kind: analyze.  How the experts of a model are used by each
 * language.
 *
 * Every input is read and checked before the device is opened, so that a bad
 * file is not found after hours.  The tokens of a language are cut into
 * windows, several windows are one pass, and a pass is the unit between two
 * looks at job_stopping().  A language that is done is saved; a job that is
 * started again goes on with the next one.
 */
#include "config.h"

#include "job/run.h"

#include <math.h>
#include <stdlib.h>

#include <polymoe/model.h>
#include <polymoe/routing.h>
#include <polymoe/tokenizer.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "job/analyze.h"
#include "job/corpus.h"
#include "job/steer.h"
#include "model/model.h"
#include "model/plan.h"
#include "routing/collect.h"

/* One language's part of the job. */
struct part {
    const struct job_language *language;
    struct corpus corpus; // empty when the counters were saved before
    int64_t windows;
    bool saved;
};

struct analysis {
    const struct job_spec *spec;
    struct job_run *run;
    struct moe_config config;
    int64_t W, B; // tokens of a window, windows of a pass
    struct part *part;
    size_t parts;
    struct moe_routing table;

    struct moe_model *model;
    struct moe_run *pass;
    struct job_steering steering;
    struct collect *collect;
    struct collect_segment *segment; // (B W)
    float *nll;                      // (B,W-1), NULL without perplexity

    uint64_t done, total; // tokens, of all languages
};

/* ---- Before the device --------------------------------------------------- */

static int
check_spec(struct moe_err *err, struct analysis *a)
{
    const struct job_spec *s = a->spec;
    const struct moe_config *c = &a->config;
    if (s->window > c->max_positions)
        return moe_fail(err, MOE_EINVAL,
                        "window: %lld tokens, the model has %lld positions",
                        (long long)s->window, (long long)c->max_positions);
    if (s->max_tokens < s->window)
        return moe_fail(err, MOE_EINVAL,
                        "max_tokens: %lld, want at least one window of %lld",
                        (long long)s->max_tokens, (long long)s->window);
    if (s->perplexity && s->window < 2)
        return moe_fail(err, MOE_EINVAL,
                        "window: 1 token predicts nothing, perplexity wants 2");
    if (s->eos >= c->V)
        return moe_fail(err, MOE_EINVAL, "eos: %lld, the vocabulary has %lld",
                        (long long)s->eos, (long long)c->V);
    return MOE_OK;
}

/* The counters of a language that an earlier run of this job finished. */
static bool
take_saved(struct analysis *a, size_t i)
{
    struct moe_err why;
    struct moe_routing saved;
    struct part *p = &a->part[i];
    if (analyze_load(&why, &saved, a->run, i) != MOE_OK)
        return false;
    p->saved = saved.n == 1 && moe_routing_find(&saved, p->language->name) &&
               moe_routing_merge(&why, &a->table, &saved) == MOE_OK;
    moe_routing_free(&saved);
    if (p->saved) {
        p->windows = (int64_t)a->table.language[i]->tokens / a->W;
        analyze_report(a->run, a->table.language[i], -1);
    }
    return p->saved;
}

static int
read_part(struct moe_err *err, struct analysis *a, size_t i,
          struct moe_tokenizer *tokenizer)
{
    struct part *p = &a->part[i];
    const struct job_spec *s = a->spec;
    const int64_t limit = s->max_tokens / a->W * a->W;
    struct corpus_options opt = {
        .model = s->model,
        .V = a->config.V,
        .eos = s->eos < 0 ? a->config.eos : s->eos,
        .documents = s->documents,
        .limit = (uint64_t)limit < SIZE_MAX ? (size_t)limit : SIZE_MAX,
        .tokenizer = tokenizer};
    int rc = corpus_read(err, &p->corpus, &opt, p->language);
    if (rc)
        return rc;
    if (p->corpus.replaced)
        job_logf(a->run, MOE_LOG_WARN,
                 "%s: %llu malformed UTF-8 sequences read as U+FFFD",
                 p->language->name, (unsigned long long)p->corpus.replaced);
    p->windows = (int64_t)p->corpus.ids.n / a->W;
    if (p->windows)
        return MOE_OK;
    return moe_fail(err, MOE_EFORMAT,
                    "%s: %s: %zu tokens, want at least one window of %lld",
                    p->language->name, p->language->files.item[0],
                    p->corpus.ids.n, (long long)a->W);
}

static int
read_parts(struct moe_err *err, struct analysis *a)
{
    struct moe_tokenizer *tokenizer = NULL;
    int rc = corpus_has_text(&a->spec->data)
                 ? moe_tokenizer_load(err, &tokenizer, a->spec->tokenizer)
                 : MOE_OK;
    job_phase(a->run);
    for (size_t i = 0; !rc && i < a->parts; i++) {
        struct part *p = &a->part[i];
        job_progress(a->run, (struct moe_progress){.phase = "read",
                                                   .item = p->language->name,
                                                   .unit = "languages",
                                                   .done = i,
                                                   .total = a->parts});
        if (job_stopping(a->run))
            rc = moe_fail(err, MOE_ECANCEL, "stopped while reading");
        else if (!take_saved(a, i))
            rc = read_part(err, a, i, tokenizer);
        a->total += (uint64_t)(p->windows * a->W);
    }
    moe_tokenizer_destroy(&tokenizer);
    return rc;
}

static int
prepare(struct moe_err *err, struct analysis *a)
{
    const struct job_spec *s = a->spec;
    int rc = moe_config_read(err, &a->config, s->model);
    if (rc)
        return rc;
    a->W = s->window;
    a->parts = s->data.n;
    rc = check_spec(err, a);
    if (!rc)
        rc =
            job_steering_read(err, &a->steering, &s->steer, &a->config, a->run);
    if (!rc)
        rc = moe_routing_init(err, &a->table, a->config.L, a->config.E,
                              a->config.K);
    if (!rc && !(a->part = mem_zero(a->parts, sizeof *a->part)))
        rc = moe_fail(err, MOE_ENOMEM, "%zu languages", a->parts);
    for (size_t i = 0; !rc && i < a->parts; i++) {
        struct moe_routing_language *unused;
        a->part[i].language = &s->data.language[i];
        rc =
            moe_routing_add(err, &a->table, a->part[i].language->name, &unused);
    }
    return rc ? rc : read_parts(err, a);
}

/* ---- On the device ------------------------------------------------------- */

static int
make_space(struct moe_err *err, struct analysis *a)
{
    const size_t rows = (size_t)(a->B * a->W);
    a->segment = mem_zero(rows, sizeof *a->segment);
    if (a->spec->perplexity)
        a->nll = mem_zero(rows, sizeof *a->nll);
    if (!a->segment || (a->spec->perplexity && !a->nll))
        return moe_fail(err, MOE_ENOMEM, "a batch of %zu tokens", rows);
    return MOE_OK;
}

/* Weights and activations together, before any is asked for. */
static int
check_memory(struct moe_err *err, const struct analysis *a,
             const struct moe_run_options *opt)
{
    struct plan plan;
    int rc = plan_model(err, &plan, &a->config, opt);
    return rc ? rc
              : plan_check(err, ctx_device(a->run->ctx), plan.total,
                           a->spec->model);
}

static int
open_model(struct moe_err *err, struct analysis *a)
{
    const struct moe_config *c = &a->config;
    int64_t most = 1;
    for (size_t i = 0; i < a->parts; i++)
        if (!a->part[i].saved && a->part[i].windows > most)
            most = a->part[i].windows;
    a->B = a->spec->batch_tokens / a->W;
    a->B = a->B < 1 ? 1 : a->B > most ? most : a->B;
    int rc = job_open_device(err, a->run);
    if (!rc)
        rc = make_space(err, a);
    if (rc)
        return rc;
    struct moe_ctx *ctx = a->run->ctx;
    struct moe_run_options opt = {
        .B = a->B, .T = a->W, .routers_only = !a->spec->perplexity};
    rc = check_memory(err, a, &opt);
    if (rc)
        return rc;
    rc = moe_model_load(ctx, &a->model, a->spec->model);
    if (!rc)
        rc = moe_run_create(&a->pass, a->model, &opt);
    if (!rc)
        rc = collect_create(ctx, &a->collect, a->B * a->W, c->L, c->E, c->K);
    if (!rc)
        run_observe_router(a->pass, collect_layer, a->collect);
    if (!rc)
        rc = job_steering_hook(&a->steering, ctx, c);
    if (!rc)
        rc = moe_run_hook(a->pass, a->steering.hook);
    return job_from_ctx(err, a->run, rc);
}

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

/* One pass over `windows` windows from token `at` on. */
static int
run_pass(struct analysis *a, const struct corpus *s,
         struct moe_routing_language *to, size_t at, int64_t windows,
         size_t *document)
{
    const size_t n = (size_t)(windows * a->W);
    size_t segments = corpus_segments(s, a->segment, at, n, document);
    int rc = collect_begin(a->collect, a->segment, segments);
    if (!rc)
        rc = moe_run_forward(a->pass, s->ids.id + at, windows, a->W);
    if (!rc)
        rc = collect_end(a->collect, to);
    if (!rc && a->nll)
        rc = add_losses(a, to, windows);
    return rc;
}

static void
show(struct analysis *a, const char *language)
{
    job_progress(a->run, (struct moe_progress){.phase = "collect",
                                               .item = language,
                                               .unit = "tokens",
                                               .done = a->done,
                                               .total = a->total});
}

static int
measure(struct moe_err *err, struct analysis *a, struct part *p,
        struct moe_routing_language *to)
{
    size_t document = 0;
    for (int64_t w = 0; w < p->windows; w += a->B) {
        const int64_t windows = p->windows - w < a->B ? p->windows - w : a->B;
        if (job_stopping(a->run))
            return moe_fail(
                err, MOE_ECANCEL, "stopped after %llu of %llu tokens",
                (unsigned long long)a->done, (unsigned long long)a->total);
        int rc =
            run_pass(a, &p->corpus, to, (size_t)(w * a->W), windows, &document);
        if (rc)
            return moe_fail(err, rc, "%s: %s", p->language->name,
                            moe_ctx_err(a->run->ctx)->text);
        a->done += (uint64_t)(windows * a->W);
        show(a, p->language->name);
    }
    collect_finish(a->collect, to);
    return MOE_OK;
}

static int
measure_part(struct moe_err *err, struct analysis *a, size_t i)
{
    struct part *p = &a->part[i];
    struct moe_routing_language *to = a->table.language[i];
    const double start = clock_seconds();
    show(a, p->language->name);
    int rc = measure(err, a, p, to);
    if (!rc)
        rc = analyze_save(err, &a->table, to, a->run, i);
    if (!rc)
        analyze_report(a->run, to, clock_seconds() - start);
    corpus_free(&p->corpus);
    return rc;
}

static int
measure_parts(struct moe_err *err, struct analysis *a)
{
    int rc = MOE_OK;
    for (size_t i = 0; i < a->parts; i++)
        if (a->part[i].saved)
            a->done += (uint64_t)(a->part[i].windows * a->W);
    job_phase(a->run);
    a->run->rate.last_done = a->done; // the rate is that of this run
    for (size_t i = 0; !rc && i < a->parts; i++)
        if (!a->part[i].saved)
            rc = measure_part(err, a, i);
    return rc;
}

/* ---- All of it ----------------------------------------------------------- */

static void
release(struct analysis *a)
{
    collect_destroy(&a->collect);
    moe_run_destroy(&a->pass);
    job_steering_free(&a->steering);
    moe_model_destroy(&a->model);
    for (size_t i = 0; a->part && i < a->parts; i++)
        corpus_free(&a->part[i].corpus);
    free(a->part);
    free(a->segment);
    free(a->nll);
    moe_routing_free(&a->table);
    moe_config_free(&a->config);
}

static bool
all_saved(const struct analysis *a)
{
    for (size_t i = 0; i < a->parts; i++)
        if (!a->part[i].saved)
            return false;
    return true;
}

int
analyze_run(struct moe_err *err, const struct job_spec *spec,
            struct job_run *run)
{
    struct analysis a = {.spec = spec, .run = run};
    int rc = job_metrics_keep(err, run, 0);
    if (!rc)
        rc = prepare(err, &a);
    if (!rc && !all_saved(&a)) {
        rc = open_model(err, &a);
        if (!rc)
            rc = measure_parts(err, &a);
    }
    if (!rc)
        rc = analyze_results(err, &a.table, run);
    release(&a);
    return rc;
}
