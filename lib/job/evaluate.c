/*
 * evaluate.c - kind: evaluate.  What a model can do, in each language.
 *
 * Every file is read before the device is opened.  A task in one language is a
 * part; its items are saved when it is done, and a job that is started again
 * goes on with the next part.
 */
#include "config.h"

#include "job/evaluate.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "model/plan.h"

static int
check_spec(struct moe_err *err, const struct evaluation *e)
{
    const struct job_eval *s = &e->spec->eval;
    const long long positions = (long long)e->config.max_positions;
    if (s->max_length > e->config.max_positions)
        return moe_fail(err, MOE_EINVAL,
                        "max_length: %lld tokens, the model has %lld positions",
                        (long long)s->max_length, positions);
    if (e->spec->eos >= e->config.V)
        return moe_fail(err, MOE_EINVAL, "eos: %lld, the vocabulary has %lld",
                        (long long)e->spec->eos, (long long)e->config.V);
    return MOE_OK;
}

/* Perplexity of token files alone wants no tokenizer. */
static bool
has_text(const struct job_eval *s)
{
    return s->multiblimp.n || s->clams.n || s->blimp.n || s->belebele.n ||
           s->mmlu.n || s->global_mmlu.n || s->mgsm.n || s->gsm8k.n ||
           s->perplexity_mode == JOB_PERPLEXITY_DOCUMENTS ||
           corpus_has_text(&s->perplexity);
}

static int
prepare(struct moe_err *err, struct evaluation *e)
{
    const struct job_spec *s = e->spec;
    int rc = moe_config_read(err, &e->config, s->model);
    if (!rc)
        rc = check_spec(err, e);
    if (!rc)
        rc =
            job_steering_read(err, &e->steering, &s->steer, &e->config, e->run);
    if (!rc && has_text(&s->eval))
        rc = moe_tokenizer_load(err, &e->tokenizer, s->tokenizer);
    if (!rc && e->tokenizer)
        rc = encoder_make(err, &e->encoder, &e->config, e->tokenizer,
                          s->eval.max_length ? s->eval.max_length
                                             : e->config.max_positions);
    if (!rc)
        rc = evaluate_parts(err, e);
    return rc;
}

/* Weights and activations together, before any is asked for. */
static int
check_memory(struct moe_err *err, const struct evaluation *e,
             const struct eval_run_options *opt)
{
    const struct device_info *device = ctx_device(e->run->ctx);
    const struct moe_run_options run = eval_run_shape(device, &e->config, opt);
    struct plan plan;
    int rc = plan_model(err, &plan, &e->config, &run);
    return rc ? rc : need_check(err, device, &plan.need, e->spec->model);
}

static int
open_model(struct moe_err *err, struct evaluation *e)
{
    const struct job_eval *s = &e->spec->eval;
    const struct eval_run_options opt = {.max_length = s->max_length,
                                         .pass_tokens = s->batch_tokens};
    int rc = job_open_device(err, e->run);
    if (!rc)
        rc = check_memory(err, e, &opt);
    if (rc)
        return rc;
    rc = moe_model_load(e->run->ctx, &e->model, e->spec->model);
    if (!rc)
        rc = eval_run_create(&e->pass, e->model, &opt);
    if (!rc)
        rc = job_steering_hook(&e->steering, e->run->ctx, &e->config);
    if (!rc)
        rc = moe_run_hook(e->pass, e->steering.hook);
    return job_from_ctx(err, e->run, rc);
}

/* Called after each pass of a part. */
static bool
show(void *arg, size_t done, size_t total)
{
    struct evaluation *e = arg;
    const double share = total ? (double)done / (double)total : 0;
    const uint64_t items = (uint64_t)(share * (double)part_items(e, e->now));
    job_progress(e->run, (struct moe_progress){.phase = e->now->name,
                                               .item = e->now->language->name,
                                               .unit = "items",
                                               .done = e->done + items,
                                               .total = e->total});
    return job_stopping(e->run);
}

static int
run_part(struct moe_err *err, struct evaluation *e, struct part *p)
{
    const double start = clock_seconds();
    e->now = p;
    p->ask.pass = show;
    p->ask.arg = e;
    show(e, 0, 1);
    int rc = part_ask(err, e, p);
    p->seconds = clock_seconds() - start;
    if (!rc)
        rc = part_save(err, e, p);
    if (!rc)
        part_report(e, p);
    e->done += part_items(e, p);
    json_decref(p->ask.detail); // it stands in the file
    p->ask.detail = NULL;
    return rc;
}

static int
run_parts(struct moe_err *err, struct evaluation *e)
{
    bool all = true;
    int rc = MOE_OK;
    for (size_t i = 0; i < e->parts; i++) {
        struct moe_err why;
        struct part *p = &e->part[i];
        p->saved = part_load(&why, e, p) == MOE_OK;
        all = all && p->saved;
        e->total += part_items(e, p);
        e->done += p->saved ? part_items(e, p) : 0;
        if (p->saved)
            part_report(e, p);
    }
    if (all)
        return MOE_OK;
    rc = open_model(err, e);
    job_phase(e->run);
    e->run->rate.last_done = e->done;
    for (size_t i = 0; !rc && i < e->parts; i++)
        if (!e->part[i].saved)
            rc = run_part(err, e, &e->part[i]);
    return rc;
}

static void
release(struct evaluation *e)
{
    moe_run_destroy(&e->pass);
    moe_model_destroy(&e->model);
    job_steering_free(&e->steering);
    for (size_t i = 0; i < e->parts; i++)
        part_free(&e->part[i]);
    free(e->part);
    moe_tokenizer_destroy(&e->tokenizer);
    moe_config_free(&e->config);
}

int
evaluate_run(struct moe_err *err, const struct job_spec *spec,
             struct job_run *run)
{
    struct evaluation e = {.spec = spec, .run = run};
    int rc = job_metrics_keep(err, run, 0);
    if (!rc)
        rc = prepare(err, &e);
    if (!rc)
        rc = run_parts(err, &e);
    if (!rc)
        rc = evaluate_results(err, &e);
    release(&e);
    return rc;
}
