/*
 * usage.c - what an analysis counts of one language beside routing.h.
 */
#include "config.h"

#include "routing/usage.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void
usage_free(struct usage *u)
{
    for (int64_t c = 0; u->layer && c < u->C; c++)
        free(u->layer[c].token);
    free(u->layer);
    free(u->seen);
    free(u->together);
    free(u->adjacent);
    free(u->common);
    *u = (struct usage){0};
}

int
usage_init(struct moe_err *err, struct usage *u,
           const struct usage_shape *shape)
{
    const uint64_t L = (uint64_t)shape->L, E = (uint64_t)shape->E;
    uint64_t pairs, shared;
    *u = (struct usage){.L = shape->L,
                        .E = shape->E,
                        .K = shape->K,
                        .V = shape->V,
                        .C = shape->C};
    bool fits =
        mem_product(&pairs, (uint64_t[]){L, E, E}, 3) &&
        mem_product(&shared, (uint64_t[]){L, (uint64_t)shape->K + 1}, 2);
    if (fits) {
        u->seen = mem_zero((size_t)shape->V, sizeof *u->seen);
        u->layer = mem_zero((size_t)shape->C, sizeof *u->layer);
        fits = u->seen && u->layer;
    }
    if (fits && shape->coactivation) {
        u->together = mem_zero(pairs, sizeof *u->together);
        u->adjacent = mem_zero(pairs, sizeof *u->adjacent);
        fits = u->together && u->adjacent;
    }
    if (fits && shape->against)
        fits = (u->common = mem_zero(shared, sizeof *u->common)) != NULL;
    if (fits)
        return MOE_OK;
    usage_free(u);
    return moe_fail(err, MOE_ENOMEM, "counters of a language");
}

void
usage_clear(struct usage *u)
{
    const size_t pairs = (size_t)(u->L * u->E * u->E);
    memset(u->seen, 0, (size_t)u->V * sizeof *u->seen);
    if (u->together) {
        memset(u->together, 0, pairs * sizeof *u->together);
        memset(u->adjacent, 0, pairs * sizeof *u->adjacent);
    }
    if (u->common)
        memset(u->common, 0, (size_t)(u->L * (u->K + 1)) * sizeof *u->common);
    for (int64_t c = 0; c < u->C; c++) {
        free(u->layer[c].token);
        u->layer[c] = (struct usage_layer){0};
    }
}

void
usage_see(struct usage *u, const int32_t *id, size_t n)
{
    for (size_t i = 0; i < n; i++)
        u->seen[id[i]]++;
}

void
usage_merge(struct usage *into, const struct usage *from)
{
    const size_t n = (size_t)(into->L * into->E * into->E);
    for (size_t i = 0; from->together && i < n; i++) {
        into->together[i] += from->together[i];
        into->adjacent[i] += from->adjacent[i];
    }
}

/* By expert, then by share, then the more frequent, then the lower id. */
static int
by_share(const void *a, const void *b)
{
    const struct usage_token *x = a, *y = b;
    if (x->expert != y->expert)
        return x->expert < y->expert ? -1 : 1;
    const double p = (double)x->count / (double)x->of;
    const double q = (double)y->count / (double)y->of;
    if (p != q)
        return p > q ? -1 : 1;
    if (x->of != y->of)
        return x->of > y->of ? -1 : 1;
    return x->token < y->token ? -1 : x->token > y->token;
}

/* The first USAGE_NAMED of each expert stay. */
static void
keep_named(struct usage_layer *l)
{
    size_t n = 0, of_expert = 0;
    if (l->n)
        qsort(l->token, l->n, sizeof *l->token, by_share);
    for (size_t i = 0; i < l->n; i++) {
        of_expert = n && l->token[n - 1].expert == l->token[i].expert
                        ? of_expert + 1
                        : 0;
        if (of_expert < USAGE_NAMED)
            l->token[n++] = l->token[i];
    }
    l->n = n;
}

/* One id of a layer: its most frequent first choice, ties to the lower. */
static bool
add_id(struct usage_layer *l, const int32_t *count, int64_t E, int32_t id,
       double *sum)
{
    struct usage_token t = {.token = id};
    for (int32_t e = 0; e < E; e++) {
        t.of += (uint64_t)count[e];
        if ((uint64_t)count[e] > t.count) {
            t.count = (uint64_t)count[e];
            t.expert = e;
        }
    }
    if (!t.of)
        return true;
    l->ids++;
    *sum += (double)t.count / (double)t.of;
    if (t.of < USAGE_OFTEN)
        return true;
    void *p = mem_grow(l->token, &l->cap, l->n + 1, sizeof *l->token);
    if (!p)
        return false;
    l->token = p;
    l->token[l->n++] = t;
    return true;
}

int
usage_tokens(struct moe_err *err, struct usage *u, int64_t c, int64_t layer,
             const int32_t *count)
{
    struct usage_layer *l = &u->layer[c];
    double sum = 0;
    l->layer = layer;
    l->ids = 0;
    l->n = 0;
    for (int64_t v = 0; v < u->V; v++)
        if (u->seen[v] && !add_id(l, count + v * u->E, u->E, (int32_t)v, &sum))
            return moe_fail(err, MOE_ENOMEM, "token ids of layer %lld",
                            (long long)layer);
    l->specialization = sum / (double)l->ids; // NaN without a token
    keep_named(l);
    return MOE_OK;
}
