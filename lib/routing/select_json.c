/*
 * select_json.c - a selection of experts as experts.json, in the shape that the
 * published adaptation code reads.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "routing/select_work.h"

static const int shared_k[] = {1, 3, 5};
enum { SHARED_KS = sizeof shared_k / sizeof *shared_k };

static const struct select_list none;

/* Append the k first of the ranking, or those that `own` does not have. */
static void
append_shared(json_t *list, const int32_t *rank, int64_t E, int k,
              bool distinct, const struct select_list *own)
{
    int64_t left = k;
    for (int64_t i = 0; left > 0 && i < E; i++) {
        if (distinct && select_has(own, rank[i]))
            continue;
        json_array_append_new(list, json_integer(rank[i]));
        left--;
    }
}

/* {"layer": [expert, ...]}: those of the low-th language (-1: of none), then k
 * shared. */
static json_t *
per_layer(const struct select_work *w, int64_t low, int k)
{
    const struct moe_selection *s = w->s;
    json_t *out = json_object();
    for (int64_t i = 0; i < s->layers; i++) {
        char key[24];
        const struct select_list *own =
            low < 0 ? &none : &w->own[i * s->n_low + low];
        json_t *list = json_array();
        for (int64_t e = 0; e < own->n; e++)
            json_array_append_new(list, json_integer(own->expert[e]));
        append_shared(list, w->rank + i * w->r->E, w->r->E, k, s->distinct,
                      own);
        snprintf(key, sizeof key, "%" PRId64, s->layer[i]);
        json_object_set_new(out, key, list);
    }
    return out;
}

static json_t *
parents(const struct moe_selection *s)
{
    json_t *out = json_object();
    for (int64_t i = 0; i < s->n_low; i++)
        json_object_set_new(out, s->low[i].language,
                            json_string(s->low[i].parent));
    return out;
}

static json_t *
meta(const struct moe_selection *s)
{
    static const char *const word[] = {"gap",  "gap_mean", "top_n",
                                       "gate", "token",    "explicit"};
    json_t *layers = json_array(), *high = json_array();
    for (int64_t i = 0; i < s->layers; i++)
        json_array_append_new(layers, json_integer(s->layer[i]));
    for (int64_t i = 0; i < s->n_high; i++)
        json_array_append_new(high, json_string(s->high[i]));
    json_t *out = json_pack("{s:f, s:o, s:o, s:s, s:b, s:o}", "alpha", s->alpha,
                            "target_layers", layers, "hr_languages", high,
                            "rule", word[s->rule], "distinct", (int)s->distinct,
                            "parents", parents(s));
    if (out && s->rule == MOE_RULE_TOP_N)
        json_object_set_new(out, "n", json_integer(s->n));
    if (out && s->most)
        json_object_set_new(out, "most", json_integer(s->most));
    if (out && (s->rule == MOE_RULE_GATE || s->rule == MOE_RULE_TOKEN))
        json_object_set_new(out, "threshold", json_real(s->threshold));
    return out;
}

static json_t *
shared(const struct select_work *w)
{
    json_t *out = json_object();
    for (int i = 0; i < SHARED_KS; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", shared_k[i]);
        json_object_set_new(out, key, per_layer(w, -1, shared_k[i]));
    }
    return out;
}

static json_t *
language(const struct select_work *w, int64_t low)
{
    json_t *out = json_object();
    json_object_set_new(out, "seft", per_layer(w, low, 0));
    for (int i = 0; i < SHARED_KS; i++) {
        char key[16];
        snprintf(key, sizeof key, "ssft_k%d", shared_k[i]);
        json_object_set_new(out, key, per_layer(w, low, shared_k[i]));
    }
    return out;
}

int
moe_selection_write(struct moe_err *err, const struct moe_routing *r,
                    const struct moe_selection *selection, const char *path)
{
    struct select_work w;
    int rc = select_work_make(err, &w, r, selection);
    if (!rc) {
        json_t *root = json_object();
        int bad = json_object_set_new(root, "_meta", meta(selection));
        bad |= json_object_set_new(root, "shared_experts", shared(&w));
        for (int64_t i = 0; i < selection->n_low; i++)
            bad |= json_object_set_new(root, selection->low[i].language,
                                       language(&w, i));
        rc = bad ? moe_fail(err, MOE_ENOMEM, "%s: not enough memory", path)
                 : json_write(err, root, path);
        json_decref(root);
    }
    select_work_free(&w);
    return rc;
}
