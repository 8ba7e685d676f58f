/*
 * select_table.c - selection.csv: every expert with the language that uses it
 * most and who has it.
 */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "base/csv.h"
#include "base/mem.h"
#include "base/str.h"
#include "routing/select_work.h"

/* Shares of one expert over the high languages. */
struct shares {
    int64_t first;
    double largest, second, sum;
};

/* counts (n,E), total (n) their sums. */
static struct shares
shares_of(const double *counts, const double *total, int64_t n, int64_t E,
          int64_t e)
{
    struct shares x = {0, -1, -1, 0};
    for (int64_t i = 0; i < n; i++) {
        const double a = counts[i * E + e] / total[i];
        x.sum += a;
        if (a > x.largest) {
            x.second = x.largest;
            x.largest = a;
            x.first = i;
        } else if (a > x.second) {
            x.second = a;
        }
    }
    return x;
}

/* The languages that have the expert as their own, separated by spaces. */
static void
put_owners(struct csv *out, const struct select_work *w, int64_t at, int32_t e)
{
    const struct moe_selection *s = w->s;
    struct str b = {0};
    for (int64_t i = 0; at >= 0 && i < s->n_low; i++)
        if (select_has(&w->own[at * s->n_low + i], e))
            str_printf(&b, "%s%s", b.n ? " " : "", s->low[i].language);
    csv_text(out, b.s && !b.failed ? b.s : "");
    str_free(&b);
}

/* The place of a layer in the selection, or -1. */
static int64_t
place_of(const struct moe_selection *s, int64_t layer)
{
    for (int64_t i = 0; i < s->layers; i++)
        if (s->layer[i] == layer)
            return i;
    return -1;
}

struct space {
    double *counts, *total; // (n_high,E), (n_high)
    int32_t *rank, *place;  // (E), and its inverse
};

static int
layer_rows(struct moe_err *err, struct csv *out, const struct select_work *w,
           const struct space *x, int64_t layer)
{
    const int64_t E = w->r->E, n = w->s->n_high;
    int rc = select_counts(err, x->counts, w->r, w->s, layer);
    if (!rc)
        rc = moe_rank_shared(err, x->rank, x->counts, n, E);
    if (rc)
        return rc;
    for (int64_t i = 0; i < n; i++) {
        x->total[i] = 0;
        for (int64_t e = 0; e < E; e++)
            x->total[i] += x->counts[i * E + e];
    }
    for (int32_t e = 0; e < E; e++)
        x->place[x->rank[e]] = e;
    for (int32_t e = 0; e < E; e++) {
        const struct shares a = shares_of(x->counts, x->total, n, E, e);
        csv_int(out, layer);
        csv_int(out, e);
        csv_text(out, w->s->high[a.first]);
        csv_real(out, a.largest);
        csv_real(out, n > 1 ? a.largest - a.second : NAN);
        csv_real(out, a.largest - (a.sum - a.largest) / (double)(n - 1));
        csv_real(out, a.sum / (double)n);
        csv_int(out, x->place[e]);
        put_owners(out, w, place_of(w->s, layer), e);
        csv_end(out);
    }
    return MOE_OK;
}

static int
write_rows(struct moe_err *err, struct csv *out, const struct select_work *w)
{
    const uint64_t E = (uint64_t)w->r->E, n = (uint64_t)w->s->n_high;
    struct space x = {.total = mem_zero((size_t)n, sizeof *x.total),
                      .rank = mem_zero((size_t)E, sizeof *x.rank),
                      .place = mem_zero((size_t)E, sizeof *x.place)};
    uint64_t cells;
    if (mem_product(&cells, (uint64_t[]){n, E}, 2))
        x.counts = mem_zero((size_t)cells, sizeof *x.counts);
    int rc = x.counts && x.total && x.rank && x.place
                 ? MOE_OK
                 : moe_fail(err, MOE_ENOMEM, "selection of experts");
    for (int64_t l = 0; !rc && l < w->r->L; l++)
        rc = layer_rows(err, out, w, &x, l);
    free(x.counts);
    free(x.total);
    free(x.rank);
    free(x.place);
    return rc;
}

int
moe_selection_table(struct moe_err *err, const struct moe_routing *r,
                    const struct moe_selection *selection, const char *path)
{
    struct select_work w;
    struct csv out;
    int rc = select_work_make(err, &w, r, selection);
    if (!rc)
        rc = csv_open(err, &out, path,
                      "layer,expert,language,share,gap,gap_mean,mean_share,"
                      "shared_rank,selected");
    if (!rc && (rc = write_rows(err, &out, &w)))
        csv_abort(&out);
    else if (!rc)
        rc = csv_close(err, &out);
    select_work_free(&w);
    return rc;
}
