/*
 * select_work.c - which experts each language has as its own, by a rule.
 */
#include "config.h"

#include "routing/select_work.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Space of one layer. */
struct layer {
    double *counts; // (n_high,E)
    bool *own;      // (n_high,E)
    int32_t *owner; // (E)
    double *one;    // (E) of one language
};

void
select_work_free(struct select_work *w)
{
    free(w->own);
    free(w->rank);
    free(w->cells);
    *w = (struct select_work){0};
}

bool
select_has(const struct select_list *list, int32_t expert)
{
    for (int64_t i = 0; i < list->n; i++)
        if (list->expert[i] == expert)
            return true;
    return false;
}

static int
find(struct moe_err *err, const struct moe_routing_language **out,
     const struct moe_routing *r, const char *name)
{
    *out = moe_routing_find(r, name);
    if (*out && (*out)->tokens)
        return MOE_OK;
    return moe_fail(err, MOE_EINVAL,
                    "selection: language %s has no tokens in the table", name);
}

int
select_counts(struct moe_err *err, double *counts, const struct moe_routing *r,
              const struct moe_selection *s, int64_t layer)
{
    int rc = MOE_OK;
    for (int64_t i = 0; !rc && i < s->n_high; i++) {
        const struct moe_routing_language *p;
        rc = find(err, &p, r, s->high[i]);
        for (int64_t e = 0; !rc && e < r->E; e++)
            counts[i * r->E + e] = (double)p->count[layer * r->E + e];
    }
    return rc;
}

static bool
by_gap(const struct moe_selection *s)
{
    return s->rule == MOE_RULE_GAP || s->rule == MOE_RULE_GAP_MEAN;
}

/* The row of a parent among the high languages. */
static int
find_row(struct moe_err *err, int64_t *row, const struct moe_selection *s,
         const struct moe_parent *low)
{
    *row = 0;
    while (*row < s->n_high && strcmp(s->high[*row], low->parent) != 0)
        ++*row;
    if (*row < s->n_high)
        return MOE_OK;
    return moe_fail(err, MOE_EINVAL,
                    "selection: %s takes the experts of %s, which is not among "
                    "the languages that have some",
                    low->language, low->parent);
}

/* The experts that a language's own row has, ascending. */
static void
take_row(struct select_list *to, const bool *own, int64_t E)
{
    for (int32_t e = 0; e < E; e++)
        if (own[e])
            to->expert[to->n++] = e;
}

/* What the parent uses most, by its own numbers alone. */
static int
take_most(struct moe_err *err, const struct select_work *w,
          const struct layer *x, struct select_list *to, int64_t layer,
          const char *parent)
{
    const struct moe_selection *s = w->s;
    const struct moe_routing_language *p;
    const int64_t E = w->r->E;
    int rc = find(err, &p, w->r, parent);
    if (rc)
        return rc;
    for (int64_t e = 0; e < E; e++)
        x->one[e] = s->rule == MOE_RULE_GATE ? p->gate[layer * E + e]
                                             : (double)p->count[layer * E + e];
    to->n = s->rule == MOE_RULE_TOP_N
                ? moe_select_top(to->expert, x->one, E, s->n)
                : moe_select_share(to->expert, x->one, E, s->threshold);
    return MOE_OK;
}

static int
take_explicit(struct moe_err *err, const struct select_work *w,
              struct select_list *to, int64_t layer, const char *language)
{
    struct moe_experts x;
    int rc = moe_experts_read(err, &x, w->s->file, language, "seft", w->r->L,
                              w->r->E);
    for (int64_t i = 0; !rc && i < x.layers; i++)
        if (x.layer[i].layer == layer)
            for (to->n = 0; to->n < x.layer[i].n; to->n++)
                to->expert[to->n] = x.layer[i].expert[to->n];
    if (!rc)
        moe_experts_free(&x);
    return rc;
}

static int64_t
count_own(const bool *own, int64_t E)
{
    int64_t n = 0;
    for (int64_t e = 0; e < E; e++)
        n += own[e];
    return n;
}

/* Leave a row of own (E) those of the largest gaps, of equal ones the first. */
static void
keep_most(bool *own, const double *gap, int64_t E, int64_t most)
{
    for (int64_t n = count_own(own, E); n > most; n--) {
        int64_t least = -1;
        for (int64_t e = 0; e < E; e++)
            if (own[e] && (least < 0 || gap[e] <= gap[least]))
                least = e;
        own[least] = false;
    }
}

/* At most s->most own experts of each language by the rules of gaps. */
static int
limit_rows(struct moe_err *err, const struct moe_selection *s,
           const struct layer *x, int64_t E)
{
    double *gap;
    int rc = select_gaps(err, &gap, x->counts, s->n_high, E,
                         s->rule == MOE_RULE_GAP_MEAN);
    for (int64_t i = 0; !rc && i < s->n_high; i++)
        keep_most(x->own + i * E, gap + i * E, E, s->most);
    free(gap);
    return rc;
}

/* One layer's lists of all languages. */
static int
choose_lists(struct moe_err *err, struct select_work *w, const struct layer *x,
             int64_t at)
{
    const struct moe_selection *s = w->s;
    const int64_t layer = s->layer[at], E = w->r->E;
    int rc = MOE_OK;
    for (int64_t i = 0; !rc && i < s->n_low; i++) {
        struct select_list *to = &w->own[at * s->n_low + i];
        int64_t row;
        if (s->rule == MOE_RULE_EXPLICIT)
            rc = take_explicit(err, w, to, layer, s->low[i].language);
        else if (!by_gap(s))
            rc = take_most(err, w, x, to, layer, s->low[i].parent);
        else if (!(rc = find_row(err, &row, s, &s->low[i])))
            take_row(to, x->own + row * E, E);
        if (s->most && to->n > s->most)
            to->n = s->most;
    }
    return rc;
}

static int
choose_layer(struct moe_err *err, struct select_work *w, const struct layer *x,
             int64_t at)
{
    const struct moe_selection *s = w->s;
    const int64_t layer = s->layer[at], E = w->r->E;
    if (layer < 0 || layer >= w->r->L)
        return moe_fail(err, MOE_EINVAL,
                        "selection: layer %" PRId64
                        ", the table has 0 to %" PRId64,
                        layer, w->r->L - 1);
    int rc = select_counts(err, x->counts, w->r, s, layer);
    if (!rc)
        rc = moe_rank_shared(err, w->rank + at * E, x->counts, s->n_high, E);
    if (!rc && s->rule == MOE_RULE_GAP) {
        rc =
            moe_select_by_gap(err, x->owner, x->counts, s->n_high, E, s->alpha);
        for (int64_t i = 0; !rc && i < s->n_high * E; i++)
            x->own[i] = x->owner[i % E] == i / E;
    } else if (!rc && s->rule == MOE_RULE_GAP_MEAN) {
        rc = moe_select_by_mean_gap(err, x->own, x->counts, s->n_high, E,
                                    s->alpha);
    }
    if (!rc && s->most && by_gap(s))
        rc = limit_rows(err, s, x, E);
    return rc ? rc : choose_lists(err, w, x, at);
}

/* Space for the lists, and for one layer. */
static bool
make_space(struct select_work *w, struct layer *x)
{
    const uint64_t E = (uint64_t)w->r->E, high = (uint64_t)w->s->n_high;
    const uint64_t layers = (uint64_t)w->s->layers;
    const uint64_t low = (uint64_t)w->s->n_low;
    uint64_t cells, rows;
    if (!mem_product(&cells, (uint64_t[]){layers, low + 1, E}, 3) ||
        !mem_product(&rows, (uint64_t[]){high, E}, 2))
        return false;
    w->own = mem_zero((size_t)(layers * low), sizeof *w->own);
    w->rank = mem_zero((size_t)(layers * E), sizeof *w->rank);
    w->cells = mem_zero((size_t)cells, sizeof *w->cells);
    x->counts = mem_zero((size_t)rows, sizeof *x->counts);
    x->own = mem_zero((size_t)rows, sizeof *x->own);
    x->owner = mem_zero((size_t)E, sizeof *x->owner);
    x->one = mem_zero((size_t)E, sizeof *x->one);
    if (!w->own || !w->rank || !w->cells || !x->counts || !x->own ||
        !x->owner || !x->one)
        return false;
    for (uint64_t i = 0; i < layers * low; i++)
        w->own[i].expert = w->cells + i * E;
    return true;
}

int
select_work_make(struct moe_err *err, struct select_work *w,
                 const struct moe_routing *r, const struct moe_selection *s)
{
    struct layer x = {0};
    *w = (struct select_work){.r = r, .s = s};
    int rc = make_space(w, &x)
                 ? MOE_OK
                 : moe_fail(err, MOE_ENOMEM, "selection of experts");
    for (int64_t i = 0; !rc && i < s->layers; i++)
        rc = choose_layer(err, w, &x, i);
    free(x.counts);
    free(x.own);
    free(x.owner);
    free(x.one);
    return rc;
}
