/*
 * mixture.h - windows of several languages in one stream, in given shares.
 *
 * Every language is a list of windows of equal length.  The next window comes
 * from the language that is furthest behind its share of what was drawn, so
 * after any number of windows no language is off by more than one; inside a
 * language the windows follow a shuffle of their own for each epoch.  A
 * language that runs out begins its next epoch.  The stream is a function of
 * the seed, the shares and the number of windows drawn, nothing else.
 */
#ifndef DATA_MIXTURE_H
#define DATA_MIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include <polymoe/error.h>

enum mixture_shares {
    MIXTURE_UNIFORM,      // the same for all
    MIXTURE_PROPORTIONAL, // p_i = n_i / sum n
    MIXTURE_TEMPERATURE,  // p_i ~ n_i^(1/tau)
    MIXTURE_EXPLICIT      // as given, divided by their sum
};

/*
 * share (n), each > 0 with sum 1, from token counts and, for
 * MIXTURE_EXPLICIT, `given` (n).  tau > 0 is read for MIXTURE_TEMPERATURE.
 * MOE_EINVAL for a share that is not a positive number.
 */
int mixture_shares(struct moe_err *err, double *share, enum mixture_shares kind,
                   const uint64_t *tokens, const double *given, double tau,
                   size_t n);

struct mixture;

/* windows (n): how many each language has, 1 .. 2^32 - 1. */
int mixture_create(struct moe_err *err, struct mixture **out,
                   const uint64_t *windows, const double *share, size_t n,
                   uint64_t seed);
void mixture_destroy(struct mixture **mp);

struct mixture_window {
    size_t language;
    uint32_t window; // of the language
    uint64_t epoch;  // of the language, from 0
};

/* The next window of the stream.  MOE_ENOMEM. */
int mixture_next(struct moe_err *err, struct mixture *m,
                 struct mixture_window *out);

/* Go to the place after `drawn` windows, from wherever the stream is. */
void mixture_seek(struct mixture *m, uint64_t drawn);

/* Windows drawn from one language so far; divided by its windows: how often
 * it was seen. */
uint64_t mixture_drawn(const struct mixture *m, size_t language);

#endif
