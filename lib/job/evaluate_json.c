/*
 * evaluate_json.c - evaluation.json, in the shape of the lm-evaluation-harness'
 * results.
 */
#include "config.h"

#include "job/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"

/* "multiblimp_eng", "mgsm_native_cot_de": without the shots, which stand in
 * n-shot. */
static char *
harness_name(const struct part *p)
{
    size_t n = strlen(p->name);
    if (p->shots >= 0)
        n = (size_t)(strrchr(p->name, '_') - p->name);
    return str_format("%.*s_%s", (int)n, p->name, p->language->name);
}

/* "acc,none", "exact_match,strict-match". */
static char *
harness_key(const char *metric, const char *suffix)
{
    if (strcmp(metric, "exact_match_strict") == 0)
        return str_format("exact_match%s,strict-match", suffix);
    if (strcmp(metric, "exact_match_flexible") == 0)
        return str_format("exact_match%s,flexible-extract", suffix);
    return str_format("%s%s,none", metric, suffix);
}

static json_t *
number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

/* The results of one task, and which way is better. */
struct entry {
    json_t *results, *better;
    bool failed;
};

static void
put(struct entry *e, json_t *to, const char *metric, const char *suffix,
    json_t *value)
{
    char *key = harness_key(metric, suffix);
    e->failed = e->failed || !key ||
                json_object_set_new(to, key ? key : "", value) != 0;
    free(key);
}

static void
take_row(void *arg, const struct row *r)
{
    struct entry *e = arg;
    if (strchr(r->task, ':'))
        return;
    if (!r->mean) {
        json_object_set_new(e->results, r->metric, number(r->value));
        return;
    }
    bool loss = strncmp(r->metric, "perplexity", 10) == 0 ||
                strcmp(r->metric, "nll") == 0 ||
                strcmp(r->metric, "bits_per_byte") == 0;
    put(e, e->results, r->metric, "", number(r->value));
    put(e, e->results, r->metric, "_stderr", number(r->stderr_));
    json_object_set_new(e->better, r->metric, json_boolean(!loss));
}

static int
add_part(struct moe_err *err, json_t *root, const struct part *p)
{
    char *name = harness_name(p);
    struct entry e = {json_object(), json_object(), false};
    int rc = name ? part_rows(err, p, take_row, &e)
                  : moe_fail(err, MOE_ENOMEM, "evaluate: out of memory");
    if (!rc) {
        json_object_set_new(e.results, "alias", json_string(name));
        json_object_set(json_object_get(root, "results"), name, e.results);
        json_object_set(json_object_get(root, "higher_is_better"), name,
                        e.better);
        json_object_set_new(json_object_get(root, "n-shot"), name,
                            json_integer(p->shots < 0 ? 0 : p->shots));
        json_object_set_new(
            json_object_get(root, "n-samples"), name,
            json_pack("{s:I, s:I}", "original",
                      (json_int_t)(p->items.n ? p->items.n : p->ask.outcome.n),
                      "effective", (json_int_t)p->ask.outcome.n));
        json_object_set_new(json_object_get(root, "versions"), name,
                            json_integer(0));
    }
    if (!rc && e.failed)
        rc = moe_fail(err, MOE_ENOMEM, "evaluate: out of memory");
    json_decref(e.results);
    json_decref(e.better);
    free(name);
    return rc;
}

int
evaluate_json(struct moe_err *err, const struct evaluation *e)
{
    const struct job_eval *s = &e->spec->eval;
    double seconds = 0;
    json_t *root = json_pack(
        "{s:{}, s:{}, s:{}, s:{}, s:{}, s:{s:s, s:s, s:o, s:I}, s:s, s:I}",
        "results", "versions", "n-shot", "higher_is_better", "n-samples",
        "config", "model", "polymoe", "model_args", e->spec->model, "limit",
        s->limit ? json_integer(s->limit) : json_null(), "batch_tokens",
        (json_int_t)s->batch_tokens, "model_name", e->spec->model, "max_length",
        (json_int_t)e->encoder.length);
    char *path = str_path(e->run->results_dir, "evaluation.json");
    int rc = root && path
                 ? MOE_OK
                 : moe_fail(err, MOE_ENOMEM, "evaluate: out of memory");
    for (size_t i = 0; !rc && i < e->parts; i++) {
        rc = add_part(err, root, &e->part[i]);
        seconds += e->part[i].seconds;
    }
    if (!rc) {
        json_object_set_new(root, "date",
                            json_real((double)clock_wall_ms() / 1000));
        json_object_set_new(root, "total_evaluation_time_seconds",
                            json_real(seconds));
        rc = json_write(err, root, path);
    }
    json_decref(root);
    free(path);
    return rc;
}
