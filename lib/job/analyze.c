/*
 * analyze.c - kind: analyze.  How the experts of a model are used by each
 * language.
 *
 * The tokens of a language are cut into windows, several windows are one pass,
 * and a pass is the unit between two looks at job_stopping().  A language that
 * is done is saved; a job that is started again goes on with the next one.
 */
#include "config.h"

#include <stdlib.h>

#include "base/mem.h"
#include "job/analyze.h"
#include "model/model.h"
#include "model/plan.h"

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

static struct choices_options
choices_of(const struct analysis *a)
{
    return (struct choices_options){.coactivation =
                                        a->spec->measures.coactivation,
                                    .layer = a->token_layer,
                                    .C = a->C,
                                    .V = a->config.V};
}

/* Weights, activations and counters together, before any is asked for. */
static int
check_memory(struct moe_err *err, const struct analysis *a,
             const struct moe_run_options *opt)
{
    const struct moe_config *c = &a->config;
    const struct choices_options counted = choices_of(a), nothing = {.V = 0};
    const int64_t N = a->B * a->W;
    struct plan plan;
    int rc = plan_model(err, &plan, c, opt);
    if (rc)
        return rc;
    struct need need = plan.need;
    choices_need(&need, N, c->L, c->E, c->K, &counted);
    if (a->sections)
        choices_need(&need, N, c->L, c->E, c->K, &nothing);
    if (a->spec->measures.against) {
        need_all(&need, &plan.need);
        choices_need(&need, N, c->L, c->E, c->K, &nothing);
    }
    return need_check(err, ctx_device(a->run->ctx), &need, a->spec->model);
}

/* Windows of a pass: no more than any language has, unless sequences want the
 * room. */
static void
choose_batch(struct analysis *a)
{
    int64_t most = 1;
    for (size_t i = 0; i < a->parts; i++)
        if (!a->part[i].saved && a->part[i].windows > most)
            most = a->part[i].windows;
    a->B = a->spec->batch_tokens / a->W;
    if (a->B > most && !a->sections)
        a->B = most;
    a->B = a->B < 1 ? 1 : a->B;
}

static int
see_layer(void *arg, int64_t layer, const struct tensor *logits,
          const struct tensor *probs, const struct tensor *idx,
          const struct tensor *weight, int64_t N)
{
    struct analysis *a = arg;
    int rc = collect_layer(a->collect, layer, logits, probs, idx, weight, N);
    return rc ? rc : choices_layer(a->watched, layer, idx);
}

static int
see_second(void *arg, int64_t layer, const struct tensor *logits,
           const struct tensor *probs, const struct tensor *idx,
           const struct tensor *weight, int64_t N)
{
    struct analysis *a = arg;
    (void)logits;
    (void)probs;
    (void)weight;
    (void)N;
    return choices_layer(a->second_choices, layer, idx);
}

static int
open_first(struct analysis *a, const struct moe_run_options *opt)
{
    const struct moe_config *c = &a->config;
    struct moe_ctx *ctx = a->run->ctx;
    const struct choices_options counted = choices_of(a);
    const int64_t N = a->B * a->W;
    int rc = moe_model_load(ctx, &a->model, a->spec->model);
    if (!rc)
        rc = moe_run_create(&a->pass, a->model, opt);
    if (!rc)
        rc = job_steering_hook(&a->steering, ctx, c);
    if (!rc)
        rc = moe_run_hook(a->pass, a->steering.hook);
    if (!rc)
        rc = collect_create(ctx, &a->collect, N, c->L, c->E, c->K);
    if (!rc)
        rc = choices_create(ctx, &a->choices, N, c->L, c->E, c->K, &counted);
    if (!rc && a->sections)
        rc = choices_create(ctx, &a->sequence_choices, N, c->L, c->E, c->K,
                            &(struct choices_options){.V = 0});
    if (!rc)
        run_observe_router(a->pass, see_layer, a);
    return rc;
}

/* The second checkpoint, which only shows what it chooses; it is not steered.
 */
static int
open_second(struct analysis *a)
{
    const struct moe_config *c = &a->config;
    struct moe_ctx *ctx = a->run->ctx;
    const struct choices_options nothing = {.V = 0};
    const struct moe_run_options opt = {
        .B = a->B, .T = a->W, .routers_only = true};
    int rc = moe_model_load(ctx, &a->second, a->spec->measures.against);
    if (!rc)
        rc = moe_run_create(&a->second_pass, a->second, &opt);
    if (!rc)
        rc = choices_create(ctx, &a->second_choices, a->B * a->W, c->L, c->E,
                            c->K, &nothing);
    if (!rc)
        run_observe_router(a->second_pass, see_second, a);
    return rc;
}

static int
open_model(struct moe_err *err, struct analysis *a)
{
    choose_batch(a);
    int rc = job_open_device(err, a->run);
    if (!rc)
        rc = make_space(err, a);
    if (rc)
        return rc;
    const struct moe_run_options opt = {.B = a->B,
                                        .T = a->W,
                                        .routers_only = !a->spec->perplexity,
                                        .cache = a->sections ? a->B * a->W : 0};
    rc = check_memory(err, a, &opt);
    if (rc)
        return rc;
    rc = open_first(a, &opt);
    if (!rc && a->spec->measures.against)
        rc = open_second(a);
    return job_from_ctx(err, a->run, rc);
}

int
analyze_step(struct moe_err *err, struct analysis *a, const char *item,
             uint64_t tokens)
{
    a->done += tokens;
    job_progress(a->run, (struct moe_progress){.phase = "collect",
                                               .item = item,
                                               .unit = "tokens",
                                               .done = a->done,
                                               .total = a->total});
    if (!job_stopping(a->run))
        return MOE_OK;
    return moe_fail(err, MOE_ECANCEL, "stopped after %llu of %llu tokens",
                    (unsigned long long)a->done, (unsigned long long)a->total);
}

/* ---- All of it ----------------------------------------------------------- */

static void
release(struct analysis *a)
{
    choices_destroy(&a->choices);
    choices_destroy(&a->sequence_choices);
    choices_destroy(&a->second_choices);
    collect_destroy(&a->collect);
    moe_run_destroy(&a->pass);
    moe_run_destroy(&a->second_pass);
    job_steering_free(&a->steering);
    moe_model_destroy(&a->model);
    moe_model_destroy(&a->second);
    for (size_t i = 0; i < a->parts; i++) {
        corpus_free(&a->part[i].corpus);
        usage_free(&a->part[i].usage);
    }
    for (size_t i = 0; i < a->sections; i++) {
        sequences_free(&a->section[i].text);
        parallel_free(&a->section[i].sums);
    }
    for (size_t i = 0; a->q && i < a->lines; i++)
        free(a->q[i]);
    free(a->q);
    free(a->part);
    free(a->section);
    free(a->segment);
    free(a->nll);
    free(a->token_layer);
    free(a->parent);
    free(a->high);
    free(a->layer);
    usage_free(&a->together);
    moe_routing_free(&a->table);
    moe_config_free(&a->config);
}

static bool
all_saved(const struct analysis *a)
{
    for (size_t i = 0; i < a->parts; i++)
        if (!a->part[i].saved)
            return false;
    for (size_t i = 0; i < a->sections; i++)
        if (!a->section[i].saved)
            return false;
    return true;
}

/* What was done before counts as done; the rate is that of this run. */
static void
begin(struct analysis *a)
{
    for (size_t i = 0; i < a->parts; i++)
        if (a->part[i].saved)
            a->done += (uint64_t)(a->part[i].windows * a->W);
    for (size_t i = 0; i < a->sections; i++)
        if (a->section[i].saved)
            a->done += a->section[i].text.ids.n;
    job_phase(a->run);
    a->run->rate.last_done = a->done;
}

int
analyze_run(struct moe_err *err, const struct job_spec *spec,
            struct job_run *run)
{
    struct analysis a = {.spec = spec, .run = run, .pivot = -1};
    int rc = job_metrics_keep(err, run, 0);
    if (!rc)
        rc = analyze_prepare(err, &a);
    if (!rc && !all_saved(&a)) {
        rc = open_model(err, &a);
        begin(&a);
        if (!rc)
            rc = analyze_parts(err, &a);
        if (!rc)
            rc = analyze_sections(err, &a);
    }
    if (!rc)
        rc = analyze_results(err, &a);
    release(&a);
    return rc;
}
