/*
 * steer.c - the experts that a spec steers.
 */
#include "config.h"

#include "job/steer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The methods of the table stand one after none. */
static enum moe_steer_method
method_of(const struct job_steer *s)
{
    return (enum moe_steer_method)(s->method - JOB_STEER_SOFT);
}

/* ---- Which experts ------------------------------------------------------- */

static bool
is_json(const char *path)
{
    const size_t n = strlen(path);
    return n >= 5 && strcmp(path + n - 5, ".json") == 0;
}

static int
read_file(struct moe_err *err, struct job_steering *out,
          const struct job_steer *s, const struct moe_config *c)
{
    if (!s->name)
        return moe_fail(err, MOE_EINVAL,
                        "steer.from: want steer.name, a language or a task");
    if (is_json(s->from))
        return moe_experts_read(err, &out->on, s->from, s->name, s->strategy,
                                c->L, c->E);
    int rc = moe_experts_read_delta(err, &out->on, s->from, s->name, s->tau, 1,
                                    c->L, c->E);
    if (!rc && s->method == JOB_STEER_STEERMOE)
        rc = moe_experts_read_delta(err, &out->off, s->from, s->name, s->tau,
                                    -1, c->L, c->E);
    return rc;
}

static int
parse(struct moe_err *err, struct moe_experts *out,
      const struct job_strings *list, const struct moe_config *c)
{
    return moe_experts_parse(err, out, (const char *const *)list->item, list->n,
                             c->L, c->E);
}

static int
read_sets(struct moe_err *err, struct job_steering *out,
          const struct job_steer *s, const struct moe_config *c)
{
    if (s->from && (s->experts.n || s->off.n))
        return moe_fail(err, MOE_EINVAL,
                        "steer: both from and a list, want one of them");
    if (s->off.n && s->method != JOB_STEER_STEERMOE)
        return moe_fail(err, MOE_EINVAL,
                        "steer.off: found without method: steermoe");
    if (s->from)
        return read_file(err, out, s, c);
    int rc = parse(err, &out->on, &s->experts, c);
    return rc ? rc : parse(err, &out->off, &s->off, c);
}

static void
limit(struct moe_experts *set, const struct job_steer *s, struct job_run *run,
      int64_t K)
{
    const bool forced =
        s->method == JOB_STEER_HARD || s->method == JOB_STEER_STEERMOE;
    const int64_t most = s->most ? s->most : forced ? K : INT64_MAX;
    for (int64_t i = 0; i < set->layers; i++)
        if (set->layer[i].n > most)
            job_warn(run,
                     "steer: layer %" PRId64 ": the first %" PRId64
                     " of %" PRId64 " experts are taken",
                     set->layer[i].layer, most, set->layer[i].n);
    moe_experts_cap(set, most);
}

static int
keep_layers(struct moe_err *err, struct job_steering *out,
            const struct job_strings *layers, int64_t L)
{
    if (!layers->n)
        return MOE_OK;
    bool *in = mem_zero((size_t)L, sizeof *in);
    if (!in)
        return moe_fail(err, MOE_ENOMEM, "steer.layers: out of memory");
    int rc = moe_layers_parse(err, in, (const char *const *)layers->item,
                              layers->n, L);
    if (!rc) {
        moe_experts_keep(&out->on, in);
        moe_experts_keep(&out->off, in);
    }
    free(in);
    return rc;
}

static int
control(struct moe_err *err, struct moe_experts *set, const struct job_steer *s,
        const struct moe_config *c)
{
    switch (s->control) {
    case JOB_CONTROL_RANDOM:
        return moe_experts_random(err, set, (uint64_t)s->seed, c->E);
    case JOB_CONTROL_SHIFT:
        return moe_experts_shift(err, set, s->shift, c->L);
    default:
        return MOE_OK;
    }
}

/* ---- The record ---------------------------------------------------------- */

static json_t *
as_json(const struct moe_experts *set)
{
    json_t *map = json_object();
    for (int64_t i = 0; i < set->layers; i++) {
        char key[24];
        json_t *list = json_array();
        for (int64_t k = 0; k < set->layer[i].n; k++)
            json_array_append_new(list, json_integer(set->layer[i].expert[k]));
        snprintf(key, sizeof key, "%" PRId64, set->layer[i].layer);
        json_object_set_new(map, key, list);
    }
    return map;
}

static int64_t
count(const struct moe_experts *set)
{
    int64_t n = 0;
    for (int64_t i = 0; i < set->layers; i++)
        n += set->layer[i].n;
    return n;
}

static void
record(const struct job_steering *st, struct job_run *run)
{
    job_record(run, "steer",
               json_pack("{s:o, s:o}", "on", as_json(&st->on), "off",
                         as_json(&st->off)));
    job_logf(run, MOE_LOG_INFO,
             "steering %" PRId64 " experts in %" PRId64 " layers",
             count(&st->on) + count(&st->off),
             st->on.layers > st->off.layers ? st->on.layers : st->off.layers);
    if (!count(&st->on) && !count(&st->off))
        job_warn(run, "steer: no expert is steered");
}

/* ---- Entry points -------------------------------------------------------- */

int
job_steering_read(struct moe_err *err, struct job_steering *out,
                  struct job_run *run, const struct moe_config *config)
{
    const struct job_steer *s = &run->spec->steer;
    if (s->method == JOB_STEER_NONE)
        return MOE_OK;
    int rc = read_sets(err, out, s, config);
    if (!rc)
        rc = keep_layers(err, out, &s->layers, config->L);
    if (rc)
        return rc;
    limit(&out->on, s, run, config->K);
    rc = control(err, &out->on, s, config);
    if (!rc)
        rc = control(err, &out->off, s, config);
    if (!rc)
        record(out, run);
    return rc;
}

int
job_steering_use(struct job_steering *st, const struct job_run *run,
                 const struct moe_config *config, struct moe_run *pass)
{
    const struct job_steer *s = &run->spec->steer;
    if (s->method == JOB_STEER_NONE)
        return MOE_OK;
    const double margin = s->margin >= 0                    ? s->margin
                          : s->method == JOB_STEER_STEERMOE ? 0.01
                                                            : 1e-6;
    const struct moe_steering steering = {.method = method_of(s),
                                          .strength = s->strength,
                                          .margin = margin,
                                          .on = &st->on,
                                          .off = &st->off};
    int rc = moe_hook_create(run->ctx, &st->hook, config);
    if (!rc)
        rc = moe_steer(st->hook, &steering);
    return rc ? rc : moe_run_hook(pass, st->hook);
}

void
job_steering_free(struct job_steering *st)
{
    moe_hook_destroy(&st->hook);
    moe_experts_free(&st->on);
    moe_experts_free(&st->off);
}
