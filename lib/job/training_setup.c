/*
 * training_setup.c - a training run before its first step.
 */
#include "config.h"

#include "job/training.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

/* ---- Options ------------------------------------------------------------- */

static void
loss_options(struct loss_options *out, const struct job_train *t)
{
    *out = t->preset == JOB_PRESET_HF ? loss_hf : loss_olmoe;
    if (t->aux)
        out->aux = t->aux == 1 ? AUX_MEGABLOCKS : AUX_HF;
    out->aux_batch = t->aux_scope == 1;
    if (t->z_div_topk)
        out->z_div_topk = t->z_div_topk == 1;
    if (t->denominator)
        out->ce_positions = t->denominator == 2;
    if (t->aux_weight >= 0)
        out->aux_weight = t->aux_weight;
    if (t->z_weight >= 0)
        out->z_weight = t->z_weight;
}

static void
trainer_options(struct training *p)
{
    const struct job_train *t = &p->spec->train;
    bool bf16 = t->weights != JOB_WEIGHTS_F32;
    p->opt = (struct trainer_options){
        .arena = {.decay_norms = t->decay_norms,
                  .decay_embeddings = t->decay_embeddings,
                  .weights = bf16 ? DTYPE_BF16 : DTYPE_F32,
                  .master = t->weights == JOB_WEIGHTS_MASTER},
        .pass = {.B = t->micro_batch < t->batch ? t->micro_batch : t->batch,
                 .T = p->spec->window,
                 .level = (enum acts_level)t->memory},
        .schedule = {.kind = (enum schedule_kind)t->schedule,
                     .peak = t->lr,
                     .floor = t->floor,
                     .warm_floor = t->warmup_floor,
                     .warmup = (uint64_t)t->warmup,
                     .total = (uint64_t)t->decay_end},
        .schedule_in_tokens = t->schedule_unit == 1,
        .beta1 = t->beta1,
        .beta2 = t->beta2,
        .eps = t->eps,
        .decay = t->weight_decay,
        .clip = t->clip,
        .seed = (uint64_t)t->seed};
    loss_options(&p->opt.pass.loss, t);
}

/* The smallest of the stop rules that were given, in steps. */
static int
count_steps(struct moe_err *err, struct training *p)
{
    const struct job_train *t = &p->spec->train;
    double batch = (double)t->batch, tokens = batch * (double)p->spec->window;
    double windows = (double)source_windows(p->source), epochs = t->epochs;
    double steps = INFINITY;
    if (t->order == JOB_ORDER_FILE)
        steps = windows / batch;
    else if (!t->max_steps && !t->max_tokens && epochs <= 0)
        epochs = 1;
    if (t->max_steps)
        steps = fmin(steps, (double)t->max_steps);
    if (t->max_tokens)
        steps = fmin(steps, ceil((double)t->max_tokens / tokens));
    if (epochs > 0)
        steps = fmin(steps, epochs * windows / batch);
    p->steps = steps < 0x1p53 ? (uint64_t)steps : UINT64_C(1) << 53;
    if (p->steps == 0)
        return moe_fail(err, MOE_EINVAL,
                        "%s: not one step: %.0f windows, a batch has %" PRId64,
                        p->spec->name, windows, t->batch);
    if (p->opt.schedule.total == 0)
        p->opt.schedule.total =
            p->opt.schedule_in_tokens ? p->steps * (uint64_t)tokens : p->steps;
    if (p->opt.schedule.kind != SCHEDULE_CONSTANT &&
        p->opt.schedule.warmup >= p->opt.schedule.total)
        return moe_fail(err, MOE_EINVAL,
                        "schedule.warmup: %" PRIu64 ", the schedule ends at "
                        "%" PRIu64,
                        p->opt.schedule.warmup, p->opt.schedule.total);
    return MOE_OK;
}

/* ---- Data ---------------------------------------------------------------- */

static int
given_share(struct moe_err *err, double *out, const struct job_train *t,
            const char *language)
{
    for (size_t i = 0; i < t->shares.n; i++)
        if (strcmp(t->shares.name[i], language) == 0) {
            *out = t->shares.value[i];
            return MOE_OK;
        }
    return moe_fail(err, MOE_EINVAL, "shares: none for %s", language);
}

static void
warn(void *arg, const char *line)
{
    job_logf(arg, MOE_LOG_WARN, "%s", line);
}

static int
open_source(struct moe_err *err, struct training *p)
{
    static const enum mixture_shares kinds[] = {
        [JOB_MIX_PROPORTIONAL] = MIXTURE_PROPORTIONAL,
        [JOB_MIX_UNIFORM] = MIXTURE_UNIFORM,
        [JOB_MIX_TEMPERATURE] = MIXTURE_TEMPERATURE,
        [JOB_MIX_EXPLICIT] = MIXTURE_EXPLICIT};
    const struct job_spec *s = p->spec;
    const struct job_train *t = &s->train;
    size_t n = s->data.n;
    int rc = MOE_OK;
    p->language = mem_zero(n, sizeof *p->language);
    p->share = mem_zero(n, sizeof *p->share);
    if (!p->language || !p->share)
        return moe_fail(err, MOE_ENOMEM, "%zu languages", n);
    for (size_t i = 0; !rc && i < n; i++) {
        const struct job_language *l = &s->data.language[i];
        p->language[i] = (struct source_language){
            l->name, (const char *const *)l->files.item, l->files.n};
        if (t->mixture == JOB_MIX_EXPLICIT && t->order == JOB_ORDER_STREAM)
            rc = given_share(err, &p->share[i], t, l->name);
    }
    if (!rc && t->order == JOB_ORDER_FILE && !t->batches)
        rc = moe_fail(err, MOE_EINVAL, "batches: missing, order is file");
    struct source_options opt = {.T = s->window,
                                 .batch = t->batch,
                                 .V = p->config.V,
                                 .eos = s->eos < 0 ? p->config.eos : s->eos,
                                 .documents = s->documents,
                                 .tokenizer = p->tokenizer,
                                 .order = (enum source_order)t->order,
                                 .shares = kinds[t->mixture],
                                 .given = p->share,
                                 .tau = t->temperature,
                                 .batches = t->batches,
                                 .repetition_filter = t->repetition_filter,
                                 .seed = (uint64_t)t->seed,
                                 .warn = warn,
                                 .warn_arg = p->run};
    return rc ? rc : source_open(err, &p->source, p->language, n, &opt);
}

static int
read_look(struct moe_err *err, struct training *p, struct training_look *look,
          const char *name, const struct job_data *data)
{
    const struct job_spec *s = p->spec;
    int64_t limit = s->train.eval_tokens / s->window * s->window;
    int rc = MOE_OK;
    look->name = name;
    look->text = mem_zero(data->n, sizeof *look->text);
    if (!look->text)
        return moe_fail(err, MOE_ENOMEM, "%zu languages", data->n);
    for (size_t i = 0; !rc && i < data->n; i++, look->n++) {
        struct training_text *h = &look->text[i];
        struct corpus_options opt = {
            .model = s->model,
            .V = p->config.V,
            .eos = s->eos < 0 ? p->config.eos : s->eos,
            .documents = s->documents,
            .limit = (size_t)(limit < s->window ? s->window : limit),
            .tokenizer = p->tokenizer};
        h->language = &data->language[i];
        rc = corpus_read(err, &h->corpus, &opt, h->language);
        h->windows = (int64_t)h->corpus.ids.n / s->window;
        if (!rc && !h->windows)
            rc = moe_fail(err, MOE_EFORMAT,
                          "%s: %s: %zu tokens, want at least one window of "
                          "%" PRId64,
                          name, h->language->name, h->corpus.ids.n, s->window);
    }
    return rc;
}

/* Text wants a tokenizer.  Shards do not, but the one that lies beside them
 * says whether their documents end as it would end them. */
static int
load_tokenizer(struct moe_err *err, struct training *p)
{
    const struct job_spec *s = p->spec;
    bool text = corpus_has_text(&s->data) ||
                corpus_has_text(&s->train.heldout) ||
                corpus_has_text(&s->train.test);
    if (!text && (!s->tokenizer || !fs_exists(s->tokenizer)))
        return MOE_OK;
    return moe_tokenizer_load(err, &p->tokenizer, s->tokenizer);
}

int
training_read(struct moe_err *err, struct training *p)
{
    const struct job_spec *s = p->spec;
    int rc = moe_config_read(err, &p->config, s->model);
    if (!rc && s->window > p->config.max_positions)
        rc = moe_fail(err, MOE_EINVAL,
                      "window: %" PRId64 " tokens, the model has %" PRId64
                      " positions",
                      s->window, p->config.max_positions);
    if (!rc && s->window < 2)
        rc = moe_fail(err, MOE_EINVAL, "window: 1 token predicts nothing");
    if (!rc)
        rc = load_tokenizer(err, p);
    if (!rc)
        rc = open_source(err, p);
    if (!rc)
        rc = read_look(err, p, &p->heldout, "heldout", &s->train.heldout);
    if (!rc)
        rc = read_look(err, p, &p->test, "test", &s->train.test);
    if (rc)
        return rc;
    trainer_options(p);
    size_t n = (size_t)(s->train.batch * s->window);
    p->ids = mem_zero(n, sizeof *p->ids);
    p->target = mem_zero(n, sizeof *p->target);
    if (!p->ids || !p->target)
        return moe_fail(err, MOE_ENOMEM, "a batch of %zu tokens", n);
    return count_steps(err, p);
}

/* ---- Model --------------------------------------------------------------- */

int
training_open(struct moe_err *err, struct training *p)
{
    struct trainer_plan plan;
    int rc = p->kind->choose ? p->kind->choose(err, p) : MOE_OK;
    if (!rc)
        rc = job_open_device(err, p->run);
    if (!rc)
        rc = trainer_plan(err, &plan, &p->config, &p->opt,
                          ctx_device(p->run->ctx)->max_alloc_bytes);
    if (!rc)
        rc = need_check(err, ctx_device(p->run->ctx), &plan.need,
                        "training, by its plan");
    if (!rc && p->kind->prepare)
        rc = p->kind->prepare(err, p);
    if (rc)
        return rc;
    char total[32], arena[32];
    str_bytes(total, sizeof total, plan.need.bytes);
    str_bytes(arena, sizeof arena, plan.arena);
    job_logf(p->run, MOE_LOG_INFO,
             "%" PRIu64 " steps of %" PRId64 " x %" PRId64
             " tokens; memory by plan %s, %s of it weights, gradients and "
             "moments",
             p->steps, p->spec->train.batch, p->spec->window, total, arena);
    rc = moe_model_load(p->run->ctx, &p->model,
                        p->model_dir ? p->model_dir : p->spec->model);
    if (!rc)
        rc = trainer_create(&p->trainer, p->model, &p->opt);
    return job_from_ctx(err, p->run, rc);
}

static void
forget_look(struct training_look *look)
{
    for (size_t i = 0; i < look->n; i++)
        corpus_free(&look->text[i].corpus);
    free(look->text);
}

void
training_release(struct training *p)
{
    trainer_destroy(&p->trainer);
    moe_model_destroy(&p->model);
    source_close(&p->source);
    forget_look(&p->heldout);
    forget_look(&p->test);
    moe_tokenizer_destroy(&p->tokenizer);
    free(p->language);
    free(p->share);
    free(p->ids);
    free(p->target);
    free(p->model_dir);
    moe_config_free(&p->config);
}
