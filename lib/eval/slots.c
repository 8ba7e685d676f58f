/*
 * slots.c - places for sequences in the cache, and shared prefixes.
 */
#include "config.h"

#include "eval/slots.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

/* Fewer ids are computed again rather than copied. */
enum { WORTH_COPYING = 16 };

int
slots_create(struct slots *s, struct moe_run *run, int64_t rows, size_t most)
{
    *s = (struct slots){.run = run, .rows = rows};
    s->n = (size_t)(run->opt.cache / rows);
    if (s->n > most)
        s->n = most;
    s->slot = mem_zero(s->n, sizeof *s->slot);
    return s->slot ? MOE_OK
                   : moe_fail(moe_ctx_err(run->model->ctx), MOE_ENOMEM,
                              "cache: out of memory");
}

void
slots_destroy(struct slots *s)
{
    free(s->slot);
    *s = (struct slots){0};
}

int64_t
slots_common(const int32_t *a, const int32_t *b, int64_t n)
{
    int64_t i = 0;
    while (i < n && a[i] == b[i])
        i++;
    return i;
}

static int64_t
common(const struct slot *s, const int32_t *ids, int64_t n)
{
    return slots_common(s->ids, ids, s->valid < n ? s->valid : n);
}

/* The slot that has most of the ids, a free one before a busy one. */
static size_t
find_best(const struct slots *s, const int32_t *ids, int64_t n, int64_t *have)
{
    size_t best = SIZE_MAX;
    *have = 0;
    for (size_t i = 0; i < s->n; i++) {
        int64_t m = common(&s->slot[i], ids, n);
        if (m > *have ||
            (m && m == *have && s->slot[best].busy && !s->slot[i].busy)) {
            *have = m;
            best = i;
        }
    }
    return best;
}

int64_t
slots_have(const struct slots *s, const int32_t *ids, int64_t n)
{
    int64_t have;
    find_best(s, ids, n, &have);
    return have;
}

/* The free slot that was used longest ago. */
static size_t
find_free(const struct slots *s)
{
    size_t oldest = SIZE_MAX;
    for (size_t i = 0; i < s->n; i++)
        if (!s->slot[i].busy &&
            (oldest == SIZE_MAX || s->slot[i].used < s->slot[oldest].used))
            oldest = i;
    return oldest;
}

int
slots_take(struct slots *s, const int32_t *ids, int64_t n, int64_t past,
           size_t *slot, int64_t *have)
{
    size_t from = find_best(s, ids, past < n ? past : n, have);
    int rc = MOE_OK;
    *slot = from != SIZE_MAX && !s->slot[from].busy ? from : find_free(s);
    if (*slot == SIZE_MAX)
        return MOE_OK;
    if (*slot != from && *have < WORTH_COPYING)
        *have = 0;
    else if (*slot != from)
        rc = moe_run_cache_copy(s->run, (int64_t)*slot * s->rows,
                                (int64_t)from * s->rows, *have);
    s->slot[*slot] = (struct slot){
        .ids = ids, .valid = *have, .used = ++s->clock, .busy = true};
    return rc;
}
