/*
 * results.c - the tables of a routing analysis, as files.
 */
#include <polymoe/routing.h>

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/mem.h"
#include "base/str.h"

/*
 * The languages that have tokens, with both estimates of the use of their
 * experts: counts, and probabilities pooled over tokens.
 */
struct used {
    const struct moe_routing *r;
    const char *const *high;
    int64_t n_high;
    const struct moe_routing_language **language; // n, borrowed
    int64_t n;
    double *counts; // (L,n,E): a layer's languages lie side by side
    double *some;   // (n,E) of one layer
};

static void
used_free(struct used *u)
{
    free(u->language);
    free(u->counts);
    free(u->some);
}

static int
used_make(struct moe_err *err, struct used *u, const struct moe_routing *r,
          const char *const *high, int64_t n_high)
{
    uint64_t cells;
    *u = (struct used){.r = r, .high = high, .n_high = n_high};
    u->language = mem_zero((size_t)r->n, sizeof *u->language);
    if (mem_product(
            &cells,
            (uint64_t[]){(uint64_t)r->n, (uint64_t)r->L, (uint64_t)r->E}, 3)) {
        u->counts = mem_zero(cells, sizeof *u->counts);
        u->some = mem_zero(cells / (uint64_t)r->L, sizeof *u->some);
    }
    if (!u->language || !u->counts || !u->some) {
        used_free(u);
        return moe_fail(err, MOE_ENOMEM, "results: %lld languages",
                        (long long)r->n);
    }
    for (int64_t i = 0; i < r->n; i++)
        if (r->language[i]->tokens)
            u->language[u->n++] = r->language[i];
    for (int64_t l = 0; l < r->L; l++)
        for (int64_t i = 0; i < u->n; i++)
            for (int64_t e = 0; e < r->E; e++)
                u->counts[(l * u->n + i) * r->E + e] =
                    (double)u->language[i]->count[l * r->E + e];
    return MOE_OK;
}

static const double *
counts_of(const struct used *u, int64_t layer, int64_t i)
{
    return u->counts + (layer * u->n + i) * u->r->E;
}

static const double *
pooled_of(const struct used *u, int64_t layer, int64_t i)
{
    return u->language[i]->pooled + layer * u->r->E;
}

static void
write_counts(struct csv *t, const struct used *u)
{
    for (int64_t i = 0; i < u->n; i++)
        for (int64_t c = 0; c < u->r->L * u->r->E; c++) {
            csv_text(t, u->language[i]->name);
            csv_int(t, c / u->r->E);
            csv_int(t, c % u->r->E);
            csv_int(t, (int64_t)u->language[i]->count[c]);
            csv_end(t);
        }
}

static void
write_probabilities(struct csv *t, const struct used *u)
{
    for (int64_t i = 0; i < u->n; i++) {
        const struct moe_routing_language *p = u->language[i];
        for (int64_t c = 0; c < u->r->L * u->r->E; c++) {
            csv_text(t, p->name);
            csv_int(t, c / u->r->E);
            csv_int(t, c % u->r->E);
            csv_real(t, p->pooled[c] / (double)p->tokens);
            csv_real(t, p->documents ? p->by_document[c] / (double)p->documents
                                     : NAN);
            csv_real(t, p->gate[c] / (double)p->tokens);
            csv_end(t);
        }
    }
}

static void
write_entropy(struct csv *t, const struct used *u)
{
    for (int64_t i = 0; i < u->n; i++)
        for (int64_t l = 0; l < u->r->L; l++) {
            csv_text(t, u->language[i]->name);
            csv_int(t, l);
            csv_real(t, moe_entropy(counts_of(u, l, i), u->r->E));
            csv_real(t, moe_entropy(pooled_of(u, l, i), u->r->E));
            csv_end(t);
        }
}

static void
write_jsd(struct csv *t, const struct used *u)
{
    const int64_t E = u->r->E;
    for (int64_t l = 0; l < u->r->L; l++)
        for (int64_t a = 0; a < u->n; a++)
            for (int64_t b = a + 1; b < u->n; b++) {
                csv_int(t, l);
                csv_text(t, u->language[a]->name);
                csv_text(t, u->language[b]->name);
                csv_real(t, moe_jsd(counts_of(u, l, a), counts_of(u, l, b), E));
                csv_real(t, moe_jsd(pooled_of(u, l, a), pooled_of(u, l, b), E));
                csv_end(t);
            }
}

/* The score of the high languages; NaN without them. */
static double
score_high(const struct used *u, int64_t layer)
{
    int64_t n = 0;
    for (int64_t k = 0; k < u->n_high; k++)
        for (int64_t i = 0; i < u->n; i++)
            if (strcmp(u->language[i]->name, u->high[k]) == 0)
                memcpy(u->some + n++ * u->r->E, counts_of(u, layer, i),
                       (size_t)u->r->E * sizeof *u->some);
    return n ? moe_specialization(u->some, n, u->r->E) : NAN;
}

static void
write_specialization(struct csv *t, const struct used *u)
{
    for (int64_t l = 0; u->n > 1 && l < u->r->L; l++) {
        csv_int(t, l);
        csv_real(t, moe_specialization(counts_of(u, l, 0), u->n, u->r->E));
        csv_real(t, score_high(u, l));
        csv_end(t);
    }
}

/* The mean over predicted tokens, and the one that some training code logs,
 * which divides by every token of the window. */
static void
write_perplexity(struct csv *t, const struct used *u)
{
    for (int64_t i = 0; i < u->n; i++) {
        const struct moe_routing_language *p = u->language[i];
        if (!p->predicted)
            continue;
        const double mean = p->nll / (double)p->predicted;
        const double diluted = p->nll / (double)p->tokens;
        csv_text(t, p->name);
        csv_int(t, (int64_t)p->tokens);
        csv_int(t, (int64_t)p->predicted);
        csv_real(t, mean);
        csv_real(t, exp(mean));
        csv_real(t, diluted);
        csv_real(t, exp(diluted));
        csv_end(t);
    }
}

static int
write_table(struct moe_err *err, const char *dir, const char *name,
            const char *header, void (*rows)(struct csv *, const struct used *),
            const struct used *u)
{
    struct csv t;
    char *path = str_path(dir, name);
    if (!path)
        return moe_fail(err, MOE_ENOMEM, "%s/%s", dir, name);
    int rc = csv_open(err, &t, path, header);
    if (!rc) {
        rows(&t, u);
        rc = csv_close(err, &t);
    }
    free(path);
    return rc;
}

static bool
has_loss(const struct used *u)
{
    for (int64_t i = 0; i < u->n; i++)
        if (u->language[i]->predicted)
            return true;
    return false;
}

int
moe_routing_write(struct moe_err *err, const struct moe_routing *r,
                  const char *const *high, int64_t n_high, const char *dir)
{
    struct used u;
    int rc = used_make(err, &u, r, high, n_high);
    if (rc)
        return rc;
    const struct {
        const char *name, *header;
        void (*rows)(struct csv *, const struct used *);
        bool wanted;
    } table[] = {
        {"counts.csv", "language,layer,expert,count", write_counts, true},
        {"probabilities.csv",
         "language,layer,expert,mean_pooled,mean_documents,mean_gate",
         write_probabilities, true},
        {"entropy.csv", "language,layer,entropy_counts,entropy_probabilities",
         write_entropy, true},
        {"jsd.csv", "layer,language_a,language_b,jsd_counts,jsd_probabilities",
         write_jsd, true},
        {"specialization.csv", "layer,score,score_high", write_specialization,
         true},
        {"perplexity.csv",
         "language,tokens,predicted,nll,perplexity,nll_diluted,"
         "perplexity_diluted",
         write_perplexity, has_loss(&u)},
    };
    for (size_t i = 0; !rc && i < sizeof table / sizeof *table; i++)
        if (table[i].wanted)
            rc = write_table(err, dir, table[i].name, table[i].header,
                             table[i].rows, &u);
    used_free(&u);
    return rc;
}
