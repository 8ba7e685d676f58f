/*
 * select_work.h - a selection of experts, worked out.
 */
#ifndef ROUTING_SELECT_WORK_H
#define ROUTING_SELECT_WORK_H

#include <polymoe/routing.h>

/* The own experts of a language in one layer. */
struct select_list {
    int32_t *expert; // room for E
    int64_t n;
};

struct select_work {
    const struct moe_routing *r;
    const struct moe_selection *s;
    struct select_list *own; // (layers,n_low)
    int32_t *rank;           // (layers,E) shared experts, best first
    int32_t *cells;          // what the lists point into
};

/* Errors as moe_selection_write().  Freed by select_work_free() also after a
 * failure. */
int select_work_make(struct moe_err *err, struct select_work *w,
                     const struct moe_routing *r,
                     const struct moe_selection *s);
void select_work_free(struct select_work *w);

bool select_has(const struct select_list *list, int32_t expert);

/* Counts (n_high,E) of one layer; MOE_EINVAL for a language without tokens. */
int select_counts(struct moe_err *err, double *counts,
                  const struct moe_routing *r, const struct moe_selection *s,
                  int64_t layer);

/*
 * *gap (n,E): how far the share of each language in w (n,E) is above the mean
 * of the others' in its column, or above the largest of them.
 *
 * MOE_EINVAL for fewer than 2 languages or one without counts; free(*gap), also
 * after a failure.
 */
int select_gaps(struct moe_err *err, double **gap, const double *w, int64_t n,
                int64_t E, bool to_mean);

#endif
