/*
 * mixture.c - windows of several languages in one stream, in given shares.
 */
#include "data/mixture.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "data/pcg64.h"

struct language {
    uint64_t windows;
    double share;
    uint64_t drawn;
    uint32_t *order; // of epoch order_epoch; made when it is needed
    uint64_t order_epoch;
};

struct mixture {
    struct language *language;
    size_t n;
    uint64_t seed;
    uint64_t drawn; // over all languages
};

static double
raw_share(enum mixture_shares kind, uint64_t tokens, const double *given,
          double tau, size_t i)
{
    switch (kind) {
    case MIXTURE_UNIFORM:
        return 1;
    case MIXTURE_PROPORTIONAL:
        return (double)tokens;
    case MIXTURE_TEMPERATURE:
        return pow((double)tokens, 1 / tau);
    default:
        return given[i];
    }
}

int
mixture_shares(struct moe_err *err, double *share, enum mixture_shares kind,
               const uint64_t *tokens, const double *given, double tau,
               size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        share[i] = raw_share(kind, tokens[i], given, tau, i);
        if (!(share[i] > 0) || isinf(share[i]))
            return moe_fail(err, MOE_EINVAL,
                            "mixture: share %g of language %zu, want a "
                            "positive number",
                            share[i], i);
        sum += share[i];
    }
    for (size_t i = 0; i < n; i++)
        share[i] /= sum;
    return MOE_OK;
}

int
mixture_create(struct moe_err *err, struct mixture **out,
               const uint64_t *windows, const double *share, size_t n,
               uint64_t seed)
{
    struct mixture *m = mem_zero(1, sizeof *m);
    *out = NULL;
    if (m)
        m->language = mem_zero(n, sizeof *m->language);
    if (!m || !m->language) {
        mixture_destroy(&m);
        return moe_fail(err, MOE_ENOMEM, "mixture: out of memory");
    }
    m->n = n;
    m->seed = seed;
    for (size_t i = 0; i < n; i++) {
        m->language[i] =
            (struct language){.windows = windows[i], .share = share[i]};
        if (windows[i] < 1 || windows[i] > UINT32_MAX) {
            mixture_destroy(&m);
            return moe_fail(err, MOE_EINVAL,
                            "mixture: language %zu has %" PRIu64
                            " windows, want 1 to %" PRIu32,
                            i, windows[i], UINT32_MAX);
        }
    }
    *out = m;
    return MOE_OK;
}

void
mixture_destroy(struct mixture **mp)
{
    struct mixture *m = *mp;
    *mp = NULL;
    if (!m)
        return;
    for (size_t i = 0; i < m->n; i++)
        free(m->language[i].order);
    free(m->language);
    free(m);
}

/* The language furthest behind after one more window; the first of equals. */
static size_t
choose(const struct mixture *m)
{
    size_t best = 0;
    double most = -INFINITY;
    for (size_t i = 0; i < m->n; i++) {
        const struct language *l = &m->language[i];
        double behind = l->share * (double)(m->drawn + 1) - (double)l->drawn;
        if (behind > most) {
            most = behind;
            best = i;
        }
    }
    return best;
}

/* The shuffle of one epoch of one language. */
static int
make_order(struct moe_err *err, const struct mixture *m, size_t i,
           uint64_t epoch)
{
    struct language *l = &m->language[i];
    struct pcg64 g;
    uint32_t word[4];
    if (!l->order &&
        !(l->order = mem_zero((size_t)l->windows, sizeof *l->order)))
        return moe_fail(err, MOE_ENOMEM,
                        "mixture: no memory for %" PRIu64 " windows",
                        l->windows);
    for (uint64_t k = 0; k < l->windows; k++)
        l->order[k] = (uint32_t)k;
    rng_block(word, m->seed, i, epoch);
    pcg64_seed(&g, word[0] | (uint64_t)word[1] << 32);
    pcg64_shuffle(&g, l->order, (size_t)l->windows);
    l->order_epoch = epoch;
    return MOE_OK;
}

int
mixture_next(struct moe_err *err, struct mixture *m, struct mixture_window *out)
{
    size_t i = choose(m);
    struct language *l = &m->language[i];
    uint64_t epoch = l->drawn / l->windows;
    if (!l->order || l->order_epoch != epoch) {
        int rc = make_order(err, m, i, epoch);
        if (rc)
            return rc;
    }
    *out = (struct mixture_window){i, l->order[l->drawn % l->windows], epoch};
    l->drawn++;
    m->drawn++;
    return MOE_OK;
}

void
mixture_seek(struct mixture *m, uint64_t drawn)
{
    m->drawn = 0;
    for (size_t i = 0; i < m->n; i++)
        m->language[i].drawn = 0;
    while (m->drawn < drawn) { // orders are made when they are read
        m->language[choose(m)].drawn++;
        m->drawn++;
    }
}

uint64_t
mixture_drawn(const struct mixture *m, size_t language)
{
    return m->language[language].drawn;
}
