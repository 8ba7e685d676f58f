/*
 * adapt_choose.c - the strategies of adaptation.
 */
#include "config.h"

#include "job/adapt_choose.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <polymoe/steer.h>

#include "base/csv.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "job/field.h"
#include "routing/experts_set.h"

static const int64_t LAST_LAYERS = 2; // as study A

struct choice {
    struct moe_err *err;
    const struct job_spec *spec;
    const struct job_adapt *a;
    const struct moe_config *config;
    struct adapt_target *target;
    struct moe_experts *experts;
    bool *layer; // (L): those that the fields name
};

static int
want(const struct choice *c, const char *field, const void *value)
{
    char word[ADAPT_WORD];
    return value ? MOE_OK
                 : moe_fail(c->err, MOE_EINVAL,
                            "adapt.%s: missing, strategy "
                            "%s wants it",
                            field, adapt_strategy_word(c->spec, word));
}

/* ---- From an analysis -----------------------------------------------------
 */

static int
read_list(const struct choice *c, const char *language, const char *strategy)
{
    int rc = want(c, "from", c->a->from);
    return rc ? rc
              : moe_experts_read(c->err, c->experts, c->a->from, language,
                                 strategy, c->config->L, c->config->E);
}

static int
own_list(const struct choice *c)
{
    int rc = want(c, "language", c->a->language);
    return rc ? rc : read_list(c, c->a->language, "seft");
}

static int
with_shared(const struct choice *c)
{
    char strategy[32];
    int rc = want(c, "language", c->a->language);
    snprintf(strategy, sizeof strategy, "ssft_k%" PRId64, c->a->shared);
    return rc ? rc : read_list(c, c->a->language, strategy);
}

/* ESFT's lists are those of an analysis that selected by its scores. */
static int
esft_list(const struct choice *c)
{
    json_t *root = NULL;
    int rc = want(c, "from", c->a->from);
    if (!rc)
        rc = json_read(c->err, &root, c->a->from);
    if (!rc) {
        const char *rule = json_string_value(
            json_object_get(json_object_get(root, "_meta"), "rule"));
        if (!rule || (strcmp(rule, "gate") != 0 && strcmp(rule, "token") != 0))
            rc = moe_fail(c->err, MOE_EINVAL,
                          "%s: selected by rule %s, strategy esft wants gate "
                          "or token",
                          c->a->from, rule ? rule : "gap");
    }
    json_decref(root);
    return rc ? rc : own_list(c);
}

static int
random_list(const struct choice *c)
{
    int rc = own_list(c);
    return rc ? rc
              : moe_experts_random(c->err, c->experts,
                                   (uint64_t)c->spec->train.seed, c->config->E);
}

static int
other_list(const struct choice *c)
{
    int rc = want(c, "other", c->a->other);
    return rc ? rc : read_list(c, c->a->other, "seft");
}

/* ---- The busiest experts --------------------------------------------------
 */

struct busy {
    double count;
    int64_t expert;
};

static int
by_count(const void *a, const void *b)
{
    const struct busy *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return x->expert < y->expert ? -1 : x->expert > y->expert;
}

/* count (L,E) of the language, from a counts.csv. */
static int
read_counts(const struct choice *c, struct busy *count)
{
    const struct moe_config *m = c->config;
    struct csv_table t;
    size_t at[4];
    bool found = false;
    static const char *const names[] = {"language", "layer", "expert", "count"};
    int rc = csv_read(c->err, &t, c->a->from);
    if (rc)
        return rc;
    for (int i = 0; !rc && i < 4; i++)
        rc = csv_column(c->err, &t, names[i], &at[i]);
    for (size_t r = 0; !rc && r < t.rows; r++) {
        const double l = csv_number(&t, r, at[1]), e = csv_number(&t, r, at[2]);
        if (strcmp(csv_cell(&t, r, at[0]), c->a->language) != 0)
            continue;
        found = true;
        if (!(l >= 0 && l < (double)m->L && e >= 0 && e < (double)m->E))
            rc = moe_fail(c->err, MOE_EFORMAT,
                          "%s: line %zu: layer %s, expert %s, the model has "
                          "%" PRId64 " and %" PRId64,
                          c->a->from, r + 2, csv_cell(&t, r, at[1]),
                          csv_cell(&t, r, at[2]), m->L, m->E);
        else
            count[(int64_t)l * m->E + (int64_t)e].count =
                csv_number(&t, r, at[3]);
    }
    csv_table_free(&t);
    if (!rc && !found)
        rc = moe_fail(c->err, MOE_EINVAL, "%s: no language %s", c->a->from,
                      c->a->language);
    return rc;
}

static int
busiest(const struct choice *c)
{
    const int64_t L = c->config->L, E = c->config->E;
    struct busy *count = mem_zero((size_t)(L * E), sizeof *count);
    int rc = want(c, "from", c->a->from);
    if (!rc)
        rc = want(c, "language", c->a->language);
    if (!rc && !count)
        rc = moe_fail(c->err, MOE_ENOMEM, "adapt: out of memory");
    for (int64_t i = 0; count && i < L * E; i++)
        count[i].expert = i % E;
    if (!rc)
        rc = read_counts(c, count);
    if (!rc)
        rc = experts_open(c->err, c->experts, L, E);
    for (int64_t l = 0; !rc && l < L; l++) {
        qsort(count + l * E, (size_t)E, sizeof *count, by_count);
        for (int64_t k = 0; c->layer[l] && k < c->a->n && k < E; k++)
            experts_add(c->experts, l, count[l * E + k].expert);
    }
    if (!rc)
        experts_close(c->experts);
    free(count);
    return rc;
}

/* ---- What needs no analysis -----------------------------------------------
 */

static int
all_experts(const struct choice *c)
{
    static const char *const all = "all/all";
    int rc = moe_experts_parse(c->err, c->experts, &all, 1, c->config->L,
                               c->config->E);
    if (!rc)
        moe_experts_keep(c->experts, c->layer);
    return rc;
}

static int
written_list(const struct choice *c)
{
    const struct job_strings *s = &c->a->experts;
    int rc = want(c, "experts", s->n ? s : NULL);
    return rc ? rc
              : moe_experts_parse(c->err, c->experts,
                                  (const char *const *)s->item, s->n,
                                  c->config->L, c->config->E);
}

static int
whole_layers(const struct choice *c)
{
    memcpy(c->target->layer, c->layer, (size_t)c->config->L * sizeof *c->layer);
    return MOE_OK;
}

static int
everything(const struct choice *c)
{
    c->target->full = true;
    return MOE_OK;
}

/* ---- Entry points ---------------------------------------------------------
 */

const char *
adapt_strategy_word(const struct job_spec *spec, char word[ADAPT_WORD])
{
    const char *at;
    const struct job_field *f =
        job_field_find("adapt.strategy", 1u << JOB_ADAPT);
    const size_t n = job_field_word(f, spec->adapt.strategy, &at);
    snprintf(word, ADAPT_WORD, "%.*s", (int)n, at);
    return word;
}

static int
read_layers(const struct choice *c)
{
    const struct job_strings *s = &c->a->layers;
    const int64_t L = c->config->L;
    if (s->n)
        return moe_layers_parse(c->err, c->layer, (const char *const *)s->item,
                                s->n, L);
    for (int64_t l = L > LAST_LAYERS ? L - LAST_LAYERS : 0; l < L; l++)
        c->layer[l] = true;
    return MOE_OK;
}

int
adapt_choose(struct moe_err *err, struct adapt_target *target,
             struct moe_experts *experts, const struct job_spec *spec,
             const struct moe_config *config)
{
    static int (*const strategies[])(const struct choice *) = {
        own_list, with_shared, esft_list,    random_list, other_list,
        busiest,  all_experts, whole_layers, everything,  written_list};
    const struct choice c = {.err = err,
                             .spec = spec,
                             .a = &spec->adapt,
                             .config = config,
                             .target = target,
                             .experts = experts,
                             .layer =
                                 mem_zero((size_t)config->L, sizeof(bool))};
    int rc = c.layer ? read_layers(&c)
                     : moe_fail(err, MOE_ENOMEM, "adapt: out of memory");
    if (!rc)
        rc = strategies[spec->adapt.strategy](&c);
    if (!rc)
        adapt_target_add(target, experts, spec->adapt.routers);
    target->embeddings = spec->adapt.embeddings;
    target->keep_rows = spec->adapt.keep_rows;
    char word[ADAPT_WORD];
    if (!rc && adapt_parameters(target, config) == 0)
        rc = moe_fail(err, MOE_EINVAL,
                      "adapt: strategy %s has no expert to train",
                      adapt_strategy_word(spec, word));
    free(c.layer);
    return rc;
}
