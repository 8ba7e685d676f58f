/*
 * study_pairs.c - pairs of languages: overlap of vocabularies, its correlation
 * with divergence, means over layers.
 */
#include "config.h"

#include "routing/study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void
study_counts(double *counts, const struct moe_routing *r, int64_t layer)
{
    for (int64_t i = 0; i < r->n; i++)
        for (int64_t e = 0; e < r->E; e++)
            counts[i * r->E + e] =
                (double)r->language[i]->count[layer * r->E + e];
}

static double *
reals(uint64_t a, uint64_t b)
{
    uint64_t cells;
    return mem_product(&cells, (uint64_t[]){a, b}, 2)
               ? mem_zero((size_t)cells, sizeof(double))
               : NULL;
}

static int
no_memory(struct moe_err *err, const struct study *s)
{
    return moe_fail(err, MOE_ENOMEM, "%lld languages", (long long)s->r->n);
}

/* ---- Overlap ------------------------------------------------------------- */

static struct moe_overlap
overlap_of(const struct study *s, int64_t a, int64_t b)
{
    const struct usage *x = s->language[a].usage, *y = s->language[b].usage;
    return moe_vocabulary_overlap(x->seen, y->seen, x->V);
}

int
study_overlap(struct moe_err *err, struct csv *out, const struct study *s)
{
    (void)err;
    for (int64_t a = 0; a < s->r->n; a++)
        for (int64_t b = a + 1; b < s->r->n; b++) {
            const struct moe_overlap o = overlap_of(s, a, b);
            csv_text(out, s->r->language[a]->name);
            csv_text(out, s->r->language[b]->name);
            csv_real(out, o.jaccard);
            csv_real(out, o.coefficient);
            csv_real(out, o.weighted);
            csv_end(out);
        }
    return MOE_OK;
}

/* Which pairs a fit is over. */
enum pairs { PAIRS_ALL, PAIRS_HIGH_LOW, PAIRS_HIGH_HIGH };

static const char *const pairs_word[] = {"all", "high-low", "high-high"};
static const char *const measure_word[] = {"jaccard", "overlap_coefficient",
                                           "weighted_jaccard"};
enum { MEASURES = 3 };

static bool
is_high(const struct study *s, int64_t i)
{
    return strcmp(s->language[i].group, "high") == 0;
}

static bool
has_groups(const struct study *s)
{
    for (int64_t i = 0; i < s->r->n; i++)
        if (s->language[i].group[0])
            return true;
    return false;
}

/* With groups, a pair of two low-resource languages is in no fit. */
static bool
is_in(const struct study *s, enum pairs which, int64_t a, int64_t b)
{
    const int high = is_high(s, a) + is_high(s, b);
    if (which == PAIRS_ALL)
        return high > 0 || !has_groups(s);
    return high == (which == PAIRS_HIGH_HIGH ? 2 : 1);
}

/* All pairs of a study: the three overlaps, then the divergence of a layer. */
struct pair_values {
    double *overlap[MEASURES], *jsd; // by the place of the pair
    double *x, *y;                   // those of one fit
    double *counts;                  // (n,E)
};

static void
fit_row(struct csv *out, const struct study *s, struct pair_values *v,
        int64_t layer, int measure, enum pairs which)
{
    int64_t n = 0, at = 0;
    for (int64_t a = 0; a < s->r->n; a++)
        for (int64_t b = a + 1; b < s->r->n; b++, at++)
            if (is_in(s, which, a, b)) {
                v->x[n] = v->overlap[measure][at];
                v->y[n++] = v->jsd[at];
            }
    const struct moe_fit f = moe_linear_fit(v->x, v->y, n);
    csv_int(out, layer);
    csv_text(out, measure_word[measure]);
    csv_text(out, pairs_word[which]);
    csv_real(out, f.r);
    csv_real(out, f.slope);
    csv_real(out, f.intercept);
    csv_int(out, n);
    csv_end(out);
}

static void
fit_layer(struct csv *out, const struct study *s, struct pair_values *v,
          int64_t layer)
{
    const int64_t E = s->r->E;
    int64_t at = 0;
    study_counts(v->counts, s->r, layer);
    for (int64_t a = 0; a < s->r->n; a++)
        for (int64_t b = a + 1; b < s->r->n; b++)
            v->jsd[at++] = moe_jsd(v->counts + a * E, v->counts + b * E, E);
    for (int m = 0; m < MEASURES; m++)
        for (int which = 0; which < (has_groups(s) ? 3 : 1); which++)
            fit_row(out, s, v, layer, m, (enum pairs)which);
}

static void
take_overlaps(const struct study *s, struct pair_values *v)
{
    int64_t at = 0;
    for (int64_t a = 0; a < s->r->n; a++)
        for (int64_t b = a + 1; b < s->r->n; b++, at++) {
            const struct moe_overlap o = overlap_of(s, a, b);
            v->overlap[0][at] = o.jaccard;
            v->overlap[1][at] = o.coefficient;
            v->overlap[2][at] = o.weighted;
        }
}

int
study_correlation(struct moe_err *err, struct csv *out, const struct study *s)
{
    const uint64_t n = (uint64_t)s->r->n;
    struct pair_values v = {.jsd = reals(n, n), .x = reals(n, n)};
    v.y = reals(n, n);
    v.counts = reals(n, (uint64_t)s->r->E);
    bool ok = v.jsd && v.x && v.y && v.counts;
    for (int m = 0; m < MEASURES; m++)
        ok &= (v.overlap[m] = reals(n, n)) != NULL;
    if (ok) {
        take_overlaps(s, &v);
        for (int64_t l = 0; n > 1 && l < s->r->L; l++)
            fit_layer(out, s, &v, l);
    }
    for (int m = 0; m < MEASURES; m++)
        free(v.overlap[m]);
    free(v.jsd);
    free(v.x);
    free(v.y);
    free(v.counts);
    return ok ? MOE_OK : no_memory(err, s);
}

/* ---- Layers -------------------------------------------------------------- */

/* Entropy of the pivot, and the mean over the others, NaN where there is none;
 * w (n,E). */
static void
entropies(struct csv *out, const struct study *s, const double *w)
{
    double pivot = NAN, others = 0;
    int64_t n = 0;
    for (int64_t i = 0; i < s->r->n; i++) {
        const double h = moe_entropy(w + i * s->r->E, s->r->E);
        if (i == s->pivot)
            pivot = h;
        else {
            others += h;
            n++;
        }
    }
    csv_real(out, pivot);
    csv_real(out, others / (double)n);
}

/* The mean divergence over pairs; NaN when there is none. */
static double
mean_jsd(const struct study *s, const double *w, bool only_high,
         bool with_pivot)
{
    const int64_t E = s->r->E;
    double sum = 0;
    int64_t n = 0;
    for (int64_t a = 0; a < s->r->n; a++)
        for (int64_t b = a + 1; b < s->r->n; b++) {
            if ((only_high && (!is_high(s, a) || !is_high(s, b))) ||
                (!with_pivot && (a == s->pivot || b == s->pivot)))
                continue;
            sum += moe_jsd(w + a * E, w + b * E, E);
            n++;
        }
    return sum / (double)n;
}

static void
layer_row(struct csv *out, const struct study *s, int64_t l,
          const double *counts, const double *pooled)
{
    csv_int(out, l);
    entropies(out, s, counts);
    entropies(out, s, pooled);
    for (int high = 0; high < 2; high++) {
        csv_real(out, mean_jsd(s, counts, high, true));
        csv_real(out, s->pivot < 0 ? NAN : mean_jsd(s, counts, high, false));
    }
    csv_real(out, moe_specialization(counts, s->r->n, s->r->E));
    csv_end(out);
}

int
study_layers(struct moe_err *err, struct csv *out, const struct study *s)
{
    const uint64_t n = (uint64_t)s->r->n, E = (uint64_t)s->r->E;
    double *counts = reals(n, E), *pooled = reals(n, E);
    const bool ok = counts && pooled;
    for (int64_t l = 0; ok && l < s->r->L; l++) {
        study_counts(counts, s->r, l);
        for (uint64_t i = 0; i < n; i++)
            memcpy(pooled + i * E, s->r->language[i]->pooled + (uint64_t)l * E,
                   E * sizeof *pooled);
        layer_row(out, s, l, counts, pooled);
    }
    free(counts);
    free(pooled);
    return ok ? MOE_OK : no_memory(err, s);
}
