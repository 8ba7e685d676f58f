/*
 * counts.c - the table of counters: make, add to, merge.
 */
#include <polymoe/routing.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

int
moe_routing_init(struct moe_err *err, struct moe_routing *r, int64_t L,
                 int64_t E, int64_t K)
{
    *r = (struct moe_routing){0};
    if (L < 1 || E < 1 || K < 1 || K > E)
        return moe_fail(err, MOE_EINVAL,
                        "routing table: %lld layers, %lld experts, %lld a "
                        "token: want at least 1, and no more a token than "
                        "there are",
                        (long long)L, (long long)E, (long long)K);
    r->L = L;
    r->E = E;
    r->K = K;
    return MOE_OK;
}

static void
language_free(struct moe_routing_language *p)
{
    if (!p)
        return;
    free(p->name);
    free(p->count);
    free(p->pooled);
    free(p->by_document);
    free(p->gate);
    free(p);
}

void
moe_routing_free(struct moe_routing *r)
{
    for (int64_t i = 0; i < r->n; i++)
        language_free(r->language[i]);
    free(r->language);
    *r = (struct moe_routing){0};
}

static struct moe_routing_language *
language_new(const char *name, int64_t L, int64_t E)
{
    struct moe_routing_language *p = mem_zero(1, sizeof *p);
    size_t cells;
    if (!p || !mem_mul(&cells, (size_t)L, (size_t)E)) {
        free(p);
        return NULL;
    }
    p->name = str_copy(name);
    p->count = mem_zero(cells, sizeof *p->count);
    p->pooled = mem_zero(cells, sizeof *p->pooled);
    p->by_document = mem_zero(cells, sizeof *p->by_document);
    p->gate = mem_zero(cells, sizeof *p->gate);
    if (p->name && p->count && p->pooled && p->by_document && p->gate)
        return p;
    language_free(p);
    return NULL;
}

struct moe_routing_language *
moe_routing_find(const struct moe_routing *r, const char *name)
{
    for (int64_t i = 0; i < r->n; i++)
        if (strcmp(r->language[i]->name, name) == 0)
            return r->language[i];
    return NULL;
}

int
moe_routing_add(struct moe_err *err, struct moe_routing *r, const char *name,
                struct moe_routing_language **out)
{
    *out = NULL;
    if (moe_routing_find(r, name))
        return moe_fail(err, MOE_EINVAL,
                        "routing table: language %s is there already", name);
    size_t cap = (size_t)r->n;
    void *grown =
        mem_grow(r->language, &cap, (size_t)r->n + 1, sizeof *r->language);
    if (grown)
        r->language = grown;
    struct moe_routing_language *p =
        grown ? language_new(name, r->L, r->E) : NULL;
    if (!p)
        return moe_fail(err, MOE_ENOMEM, "routing table: language %s", name);
    *out = r->language[r->n++] = p;
    return MOE_OK;
}

static void
add_counters(struct moe_routing_language *to,
             const struct moe_routing_language *from, int64_t cells)
{
    to->tokens += from->tokens;
    to->documents += from->documents;
    to->predicted += from->predicted;
    to->nll += from->nll;
    for (int64_t i = 0; i < cells; i++) {
        to->count[i] += from->count[i];
        to->pooled[i] += from->pooled[i];
        to->by_document[i] += from->by_document[i];
        to->gate[i] += from->gate[i];
    }
}

int
moe_routing_merge(struct moe_err *err, struct moe_routing *into,
                  const struct moe_routing *from)
{
    if (into->L != from->L || into->E != from->E || into->K != from->K)
        return moe_fail(err, MOE_ESHAPE,
                        "routing table: (%lld layers, %lld experts, %lld a "
                        "token) to be added to (%lld, %lld, %lld)",
                        (long long)from->L, (long long)from->E,
                        (long long)from->K, (long long)into->L,
                        (long long)into->E, (long long)into->K);
    for (int64_t i = 0; i < from->n; i++) {
        const struct moe_routing_language *p = from->language[i];
        struct moe_routing_language *to = moe_routing_find(into, p->name);
        int rc = to ? MOE_OK : moe_routing_add(err, into, p->name, &to);
        if (rc)
            return rc;
        add_counters(to, p, into->L * into->E);
    }
    return MOE_OK;
}
