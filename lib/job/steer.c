/*
 * steer.c - the experts that a spec steers.
 */
#include "config.h"

#include "job/steer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "job/field.h"

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
        if (run && set->layer[i].n > most)
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

json_t *
job_experts_json(const struct moe_experts *set)
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
               json_pack("{s:o, s:o}", "on", job_experts_json(&st->on), "off",
                         job_experts_json(&st->off)));
    job_logf(run, MOE_LOG_INFO,
             "steering %" PRId64 " experts in %" PRId64 " layers",
             count(&st->on) + count(&st->off),
             st->on.layers > st->off.layers ? st->on.layers : st->off.layers);
    if (!count(&st->on) && !count(&st->off))
        job_warn(run, "steer: no expert is steered");
}

/* ---- Entry points -------------------------------------------------------- */

static void
set_method(struct job_steering *st, const struct job_steer *s)
{
    const double usual = s->method == JOB_STEER_STEERMOE ? 0.01 : 1e-6;
    st->any = true;
    /* The methods of the table stand one after none. */
    st->how.method = (enum moe_steer_method)(s->method - JOB_STEER_SOFT);
    st->how.strength = s->strength;
    st->how.margin = s->margin < 0 ? usual : s->margin;
}

int
job_steering_read(struct moe_err *err, struct job_steering *out,
                  const struct job_steer *fields,
                  const struct moe_config *config, struct job_run *run)
{
    if (fields->method == JOB_STEER_NONE)
        return MOE_OK;
    set_method(out, fields);
    int rc = read_sets(err, out, fields, config);
    if (!rc)
        rc = keep_layers(err, out, &fields->layers, config->L);
    if (rc)
        return rc;
    limit(&out->on, fields, run, config->K);
    rc = control(err, &out->on, fields, config);
    if (!rc)
        rc = control(err, &out->off, fields, config);
    if (!rc && run)
        record(out, run);
    return rc;
}

int
job_steering_hook(struct job_steering *st, struct moe_ctx *ctx,
                  const struct moe_config *config)
{
    if (!st->any)
        return MOE_OK;
    st->how.on = &st->on;
    st->how.off = &st->off;
    int rc = moe_hook_create(ctx, &st->hook, config);
    return rc ? rc : moe_steer(st->hook, &st->how);
}

/* A spec that has nothing but these fields. */
static int
parse_fields(struct moe_err *err, struct job_spec *out, const char *const *text,
             size_t n)
{
    static const char rest[] = "kind: analyze\nmodel: .\ndata: .\nsteer: {}\n";
    struct job_source source = {.name = "--steer", .option = "--steer"};
    struct job_node map;
    *out = (struct job_spec){0};
    int rc = job_node_yaml(err, &source, &map, rest, sizeof rest - 1);
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < n; i++)
        rc = job_node_assign(err, job_node_find(&map, "steer"), "--steer",
                             text[i]);
    if (!rc)
        rc = job_spec_bind(err, &source, &map, out);
    job_node_free(&map);
    return rc;
}

int
job_steering_parse(struct moe_err *err, struct job_steering *out,
                   const char *const *text, size_t n, struct moe_ctx *ctx,
                   const struct moe_config *config)
{
    struct job_spec spec;
    if (n == 0)
        return MOE_OK;
    int rc = parse_fields(err, &spec, text, n);
    if (!rc && spec.steer.method == JOB_STEER_NONE)
        rc = moe_fail(err, MOE_EINVAL, "steer: want method=");
    if (!rc)
        rc = job_steering_read(err, out, &spec.steer, config, NULL);
    if (!rc && (rc = job_steering_hook(out, ctx, config)) != MOE_OK)
        *err = *moe_ctx_err(ctx);
    job_spec_free(&spec);
    return rc;
}

void
job_steering_free(struct job_steering *st)
{
    moe_hook_destroy(&st->hook);
    moe_experts_free(&st->on);
    moe_experts_free(&st->off);
}
