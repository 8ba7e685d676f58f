/*
 * select_json.c - a selection of experts as experts.json, in the shape that the
 * published adaptation code reads.
 */
#include <polymoe/routing.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

static const int shared_k[] = {1, 3, 5};
enum { SHARED_KS = sizeof shared_k / sizeof *shared_k };

/* The two choices of one layer. */
struct choice {
    int32_t *owner; // (E) row of `high`, or -1
    int32_t *rank;  // (E)
};

struct work {
    const struct moe_routing *r;
    const struct moe_selection *s;
    double *w;             // (n_high,E) counts of one layer
    int32_t *cells;        // (layers,2,E), what the choices point into
    struct choice *choice; // (layers)
};

static int
choose_layer(struct moe_err *err, struct work *k, int64_t at)
{
    const struct moe_routing *r = k->r;
    const struct moe_selection *s = k->s;
    const int64_t layer = s->layer[at], E = r->E;
    if (layer < 0 || layer >= r->L)
        return moe_fail(err, MOE_EINVAL,
                        "selection: layer %" PRId64 ", the table has 0 to "
                        "%" PRId64,
                        layer, r->L - 1);
    for (int64_t i = 0; i < s->n_high; i++) {
        const struct moe_routing_language *p = moe_routing_find(r, s->high[i]);
        if (!p || !p->tokens)
            return moe_fail(err, MOE_EINVAL,
                            "selection: language %s has no tokens in the table",
                            s->high[i]);
        for (int64_t e = 0; e < E; e++)
            k->w[i * E + e] = (double)p->count[layer * E + e];
    }
    struct choice *c = &k->choice[at];
    c->owner = k->cells + 2 * at * E;
    c->rank = c->owner + E;
    int rc = moe_select_by_gap(err, c->owner, k->w, s->n_high, E, s->alpha);
    return rc ? rc : moe_rank_shared(err, c->rank, k->w, s->n_high, E);
}

/* The experts of row `row`, ascending; row -2 owns none. */
static json_t *
owned(const struct choice *c, int64_t E, int64_t row)
{
    json_t *list = json_array();
    for (int64_t e = 0; e < E; e++)
        if (c->owner[e] == row)
            json_array_append_new(list, json_integer(e));
    return list;
}

/* Append the k first of the ranking, or those that `row` does not own. */
static void
append_shared(json_t *list, const struct choice *c, int64_t E, int k,
              bool distinct, int64_t row)
{
    int64_t left = k;
    for (int64_t i = 0; left > 0 && i < E; i++) {
        if (distinct && c->owner[c->rank[i]] == row)
            continue;
        json_array_append_new(list, json_integer(c->rank[i]));
        left--;
    }
}

/* {"layer": [expert, ...]}: what `row` owns (-2: nothing), then k shared. */
static json_t *
per_layer(const struct work *w, int64_t row, int k)
{
    json_t *out = json_object();
    for (int64_t i = 0; i < w->s->layers; i++) {
        char key[24];
        json_t *list = owned(&w->choice[i], w->r->E, row);
        append_shared(list, &w->choice[i], w->r->E, k, w->s->distinct, row);
        snprintf(key, sizeof key, "%" PRId64, w->s->layer[i]);
        json_object_set_new(out, key, list);
    }
    return out;
}

static json_t *
meta(const struct moe_selection *s)
{
    json_t *layers = json_array(), *high = json_array();
    for (int64_t i = 0; i < s->layers; i++)
        json_array_append_new(layers, json_integer(s->layer[i]));
    for (int64_t i = 0; i < s->n_high; i++)
        json_array_append_new(high, json_string(s->high[i]));
    return json_pack("{s:f, s:o, s:o, s:b}", "alpha", s->alpha, "target_layers",
                     layers, "hr_languages", high, "distinct",
                     (int)s->distinct);
}

static json_t *
shared(const struct work *w)
{
    json_t *out = json_object();
    for (int i = 0; i < SHARED_KS; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", shared_k[i]);
        json_object_set_new(out, key, per_layer(w, -2, shared_k[i]));
    }
    return out;
}

static json_t *
language(const struct work *w, int64_t row)
{
    json_t *out = json_object();
    json_object_set_new(out, "seft", per_layer(w, row, 0));
    for (int i = 0; i < SHARED_KS; i++) {
        char key[16];
        snprintf(key, sizeof key, "ssft_k%d", shared_k[i]);
        json_object_set_new(out, key, per_layer(w, row, shared_k[i]));
    }
    return out;
}

static int
write_selection(struct moe_err *err, const struct work *w, const char *path)
{
    const struct moe_selection *s = w->s;
    json_t *root = json_object();
    int bad = json_object_set_new(root, "_meta", meta(s));
    bad |= json_object_set_new(root, "shared_experts", shared(w));
    int rc = MOE_OK;
    for (int64_t i = 0; !rc && i < s->n_low; i++) {
        int64_t row = 0;
        while (row < s->n_high && strcmp(s->high[row], s->low[i].parent) != 0)
            row++;
        if (row == s->n_high)
            rc = moe_fail(err, MOE_EINVAL,
                          "selection: %s takes the experts of %s, which is "
                          "not among the languages that have some",
                          s->low[i].language, s->low[i].parent);
        else
            bad |=
                json_object_set_new(root, s->low[i].language, language(w, row));
    }
    if (!rc)
        rc = bad ? moe_fail(err, MOE_ENOMEM, "%s: not enough memory", path)
                 : json_write(err, root, path);
    json_decref(root);
    return rc;
}

int
moe_selection_write(struct moe_err *err, const struct moe_routing *r,
                    const struct moe_selection *selection, const char *path)
{
    uint64_t cells, counts;
    struct work w = {.r = r, .s = selection};
    int rc = MOE_OK;
    if (mem_product(
            &cells,
            (uint64_t[]){(uint64_t)selection->layers, 2, (uint64_t)r->E}, 3) &&
        mem_product(&counts,
                    (uint64_t[]){(uint64_t)selection->n_high, (uint64_t)r->E},
                    2)) {
        w.w = mem_zero(counts, sizeof *w.w);
        w.cells = mem_zero(cells, sizeof *w.cells);
        w.choice = mem_zero((size_t)selection->layers, sizeof *w.choice);
    }
    if (!w.w || !w.cells || !w.choice)
        rc = moe_fail(err, MOE_ENOMEM, "%s: not enough memory", path);
    for (int64_t i = 0; !rc && i < selection->layers; i++)
        rc = choose_layer(err, &w, i);
    if (!rc)
        rc = write_selection(err, &w, path);
    free(w.w);
    free(w.cells);
    free(w.choice);
    return rc;
}
