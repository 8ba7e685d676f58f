/*
 * adapt.c - kind: adapt.  Train some experts of a model on a language, and
 * write what changed.
 */
#include "config.h"

#include "job/training.h"

#include <inttypes.h>
#include <stdlib.h>

#include "adapt/adapter.h"
#include "base/str.h"
#include "job/adapt_cache.h"
#include "job/adapt_choose.h"
#include "job/steer.h"

struct adaptation {
    struct training t; // first: the hooks get a pointer to it
    struct adapt_target target;
    struct moe_experts experts;
    struct moe_hook *hook;
};

/* An expert that is not trained is in the arena when another of its layer is,
 * in the type of that: one that is wider in the file would be rounded. */
static int
check_type(struct moe_err *err, const struct adaptation *a,
           const struct weights *base, const struct param *p)
{
    const enum dtype type = weights_dtype(base, p);
    if (type == a->t.opt.arena.weights || !adapt_beside(&a->target, p))
        return MOE_OK;
    return moe_fail(err, MOE_EINVAL,
                    "weights: bf16 rounds expert %d/%d, which is not trained "
                    "and %s in %s; want weights: f32",
                    p->layer, p->expert, dtype_name(type), a->t.spec->model);
}

static int
check_types(struct moe_err *err, const struct adaptation *a)
{
    struct weights base;
    struct param *all = NULL;
    size_t n = 0;
    if (a->t.opt.arena.weights == DTYPE_F32)
        return MOE_OK;
    int rc = weights_open(err, &base, a->t.spec->model);
    if (rc)
        return rc;
    rc = params_list(err, &all, &n, &a->t.config);
    for (size_t i = 0; !rc && i < n; i++)
        rc = check_type(err, a, &base, &all[i]);
    free(all);
    weights_close(&base);
    return rc;
}

/* What is trained, before a device is opened. */
static int
choose(struct moe_err *err, struct training *t)
{
    struct adaptation *a = (struct adaptation *)t;
    struct arena_options *arena = &t->opt.arena;
    struct moe_param_totals all;
    char word[ADAPT_WORD];
    int rc = adapt_target_init(err, &a->target, &t->config);
    if (!rc)
        rc = adapt_choose(err, &a->target, &a->experts, t->spec, &t->config);
    if (!rc)
        rc = moe_param_count(err, &all, &t->config);
    if (!rc)
        rc = check_types(err, a);
    if (rc)
        return rc;
    const uint64_t n = adapt_parameters(&a->target, &t->config);
    adapt_strategy_word(t->spec, word);
    arena->trains = adapt_trains;
    arena->decays = adapt_decays;
    arena->arg = &a->target;
    job_logf(t->run, MOE_LOG_INFO,
             "strategy %s trains %" PRIu64 " of %" PRIu64
             " parameters, %.3g %%",
             word, n, all.total, 100 * (double)n / (double)all.total);
    job_record(t->run, "trained",
               json_pack("{s:s, s:I, s:f, s:o}", "strategy", word, "parameters",
                         (json_int_t)n, "share", (double)n / (double)all.total,
                         "experts", job_experts_json(&a->experts)));
    return MOE_OK;
}

/* The restriction of routing, which lives on the device, and the cache, which
 * depends on it. */
static int
prepare(struct moe_err *err, struct training *t)
{
    struct adaptation *a = (struct adaptation *)t;
    int rc = MOE_OK;
    if (t->spec->adapt.restriction) {
        rc = moe_hook_create(t->run->ctx, &a->hook, &t->config);
        if (!rc)
            rc = adapt_mask(a->hook, &a->target);
        rc = job_from_ctx(err, t->run, rc);
    }
    t->opt.pass.hook = a->hook;
    return rc ? rc : adapt_cache_open(err, t);
}

/* ---- Results --------------------------------------------------------------
 */

/* Where the whole adapted model is: what was trained in the arena, the rest in
 * the files. */
struct merged {
    const struct adapt_target *target;
    struct arena *arena;
    struct weights *base;
};

static int
read_merged(struct moe_err *err, void *arg, const struct param *p, uint64_t at,
            float *out, size_t n)
{
    const struct merged *m = arg;
    return adapt_trains(m->target, p)
               ? arena_read_param(err, m->arena, p, at, out, n)
               : weights_read(err, m->base, p, at, out, n);
}

static enum dtype
merged_type(const void *arg, const struct param *p)
{
    const struct merged *m = arg;
    return weights_dtype(m->base, p);
}

static json_t *
about(const struct adaptation *a)
{
    const struct job_adapt *s = &a->t.spec->adapt;
    char word[ADAPT_WORD];
    json_t *o = json_pack("{s:s, s:s, s:I, s:o}", "strategy",
                          adapt_strategy_word(a->t.spec, word), "restrict",
                          s->restriction ? "mask" : "off", "steps",
                          (json_int_t)a->t.steps, "experts",
                          job_experts_json(&a->experts));
    if (o && s->language)
        json_object_set_new(o, "language", json_string(s->language));
    return o;
}

static int
write_adapter(struct moe_err *err, struct adaptation *a, struct merged *m)
{
    char *dir = str_path(a->t.run->out_dir, "adapter");
    json_t *meta = about(a);
    const struct adapter_source s = {.base_dir = a->t.spec->model,
                                     .base = m->base,
                                     .changed = adapt_trains,
                                     .changed_arg = &a->target,
                                     .read = read_merged,
                                     .read_arg = m,
                                     .about = meta};
    int rc = dir && meta ? adapter_write(err, dir, &s)
                         : moe_fail(err, MOE_ENOMEM, "out of memory");
    json_decref(meta);
    free(dir);
    return rc;
}

static int
write_merged(struct moe_err *err, struct adaptation *a, struct merged *m)
{
    const struct export_options opt = {
        .dtype = weights_dtype(m->base, &(struct param){.kind = PARAM_EMBED}),
        .type = merged_type,
        .shard_bytes = (uint64_t)a->t.spec->train.shard_bytes,
        .read = read_merged,
        .arg = m};
    char *dir = str_path(a->t.run->out_dir, "model");
    int rc = dir ? export_model(err, dir, &a->t.config, &opt)
                 : moe_fail(err, MOE_ENOMEM, "out of memory");
    if (!rc)
        rc = export_carry(err, dir, a->t.spec->model, a->t.spec->tokenizer);
    free(dir);
    return rc;
}

static int
finish(struct moe_err *err, struct training *t)
{
    struct adaptation *a = (struct adaptation *)t;
    struct weights base;
    int rc = weights_open(err, &base, t->spec->model);
    if (rc)
        return rc;
    struct merged m = {&a->target, trainer_arena(t->trainer), &base};
    rc = write_adapter(err, a, &m);
    if (!rc && t->spec->adapt.merge)
        rc = write_merged(err, a, &m);
    weights_close(&base);
    return rc;
}

int
adapt_run(struct moe_err *err, const struct job_spec *spec, struct job_run *run)
{
    static const struct training_kind kind = {
        .choose = choose, .prepare = prepare, .finish = finish};
    struct adaptation a = {.t = {.kind = &kind, .spec = spec, .run = run}};
    int rc = training_run(err, &a.t);
    adapt_cache_close(&a.t, rc == MOE_OK);
    moe_hook_destroy(&a.hook);
    moe_experts_free(&a.experts);
    adapt_target_free(&a.target);
    return rc;
}
