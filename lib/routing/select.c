/*
 * select.c - which experts belong to one language, and which to all.
 */
#include <polymoe/routing.h>

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "routing/measure.h"
#include "routing/select_work.h"

/* a (n,E): each row of w divided by its sum. */
static int
shares(struct moe_err *err, double **out, const double *w, int64_t n, int64_t E)
{
    size_t cells;
    double *a = *out = NULL;
    if (!mem_mul(&cells, (size_t)n, (size_t)E) ||
        !(a = mem_zero(cells, sizeof *a)))
        return moe_fail(err, MOE_ENOMEM, "selection: %lld languages",
                        (long long)n);
    for (int64_t i = 0; i < n; i++) {
        double sum = weight_sum(w + i * E, E);
        if (isnan(sum)) {
            free(a);
            return moe_fail(err, MOE_EINVAL,
                            "selection: language %lld has no counts, want "
                            "every language measured",
                            (long long)i);
        }
        for (int64_t e = 0; e < E; e++)
            a[i * E + e] = w[i * E + e] / sum;
    }
    *out = a;
    return MOE_OK;
}

/* a (n,E), shares: each becomes its distance to the others' of its column, to
 * their mean or to their largest. */
static void
turn_to_gaps(double *a, int64_t n, int64_t E, bool to_mean)
{
    for (int64_t e = 0; e < E; e++) {
        double sum = 0, largest = -1, second = -1;
        for (int64_t i = 0; i < n; i++) {
            const double x = a[i * E + e];
            sum += x;
            second = fmax(second, fmin(largest, x));
            largest = fmax(largest, x);
        }
        for (int64_t i = 0; i < n; i++) {
            const double x = a[i * E + e];
            a[i * E + e] = to_mean ? x - (sum - x) / (double)(n - 1)
                                   : x - (x == largest ? second : largest);
        }
    }
}

int
moe_select_by_mean_gap(struct moe_err *err, bool *own, const double *w,
                       int64_t n, int64_t E, double alpha)
{
    double *gap;
    int rc = select_gaps(err, &gap, w, n, E, true);
    for (int64_t i = 0; !rc && i < n * E; i++)
        own[i] = gap[i] >= alpha;
    free(gap);
    return rc;
}

int
select_gaps(struct moe_err *err, double **gap, const double *w, int64_t n,
            int64_t E, bool to_mean)
{
    *gap = NULL;
    if (n < 2)
        return moe_fail(err, MOE_EINVAL,
                        "selection: %lld languages, want at least 2",
                        (long long)n);
    int rc = shares(err, gap, w, n, E);
    if (!rc)
        turn_to_gaps(*gap, n, E, to_mean);
    return rc;
}

int
moe_select_by_gap(struct moe_err *err, int32_t *owner, const double *w,
                  int64_t n, int64_t E, double alpha)
{
    double *gap;
    int rc = select_gaps(err, &gap, w, n, E, false);
    for (int64_t e = 0; !rc && e < E; e++) {
        int64_t first = 0;
        for (int64_t i = 1; i < n; i++)
            if (gap[i * E + e] > gap[first * E + e])
                first = i;
        owner[e] = gap[first * E + e] >= alpha ? (int32_t)first : -1;
    }
    free(gap);
    return rc;
}

/* Insertion keeps the lower expert first among equals. */
static void
rank_descending(int32_t *rank, const double *x, int64_t n)
{
    for (int64_t e = 0; e < n; e++) {
        int64_t at = e;
        for (; at > 0 && x[rank[at - 1]] < x[e]; at--)
            rank[at] = rank[at - 1];
        rank[at] = (int32_t)e;
    }
}

int
moe_rank_shared(struct moe_err *err, int32_t *rank, const double *w, int64_t n,
                int64_t E)
{
    double *a;
    if (n < 1)
        return moe_fail(err, MOE_EINVAL, "selection: no language");
    int rc = shares(err, &a, w, n, E);
    if (rc)
        return rc;
    // The sum ranks as the mean does; row 0 takes it.
    for (int64_t i = 1; i < n; i++)
        for (int64_t e = 0; e < E; e++)
            a[e] += a[i * E + e];
    rank_descending(rank, a, E);
    free(a);
    return MOE_OK;
}

int64_t
moe_select_top(int32_t *list, const double *w, int64_t E, int64_t n)
{
    rank_descending(list, w, E);
    return n < E ? n : E;
}

int64_t
moe_select_share(int32_t *list, const double *w, int64_t E, double threshold)
{
    const double whole = weight_sum(w, E);
    double sum = 0;
    int64_t n = 0;
    rank_descending(list, w, E);
    while (whole > 0 && n < E && sum < threshold * whole)
        sum += w[list[n++]];
    return n;
}
