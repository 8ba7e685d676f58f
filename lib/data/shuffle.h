/*
 * shuffle.h - lines in a random order, more of them than memory holds.
 *
 * Line i gets a random 64-bit key, a function of the seed and i alone, and the
 * lines come out by ascending key.  On the way they lie in pieces on disk, by
 * the leading bits of their keys, so that one piece at a time is sorted in
 * memory; how many pieces there are does not change the order.
 */
#ifndef DATA_SHUFFLE_H
#define DATA_SHUFFLE_H

#include <stddef.h>
#include <stdint.h>

#include <polymoe/error.h>

enum { SHUFFLE_PIECES_MAX = 256 };

struct shuffle;

/* Pieces of about 1/pieces of all lines, files in `dir` without a name. */
int shuffle_create(struct moe_err *err, struct shuffle **out, const char *dir,
                   uint64_t seed, unsigned pieces);
int shuffle_add(struct moe_err *err, struct shuffle *s, const char *line,
                size_t n);

/* Give every line out, in the random order; stops at the first failure. */
typedef int (*shuffle_fn)(struct moe_err *err, void *arg, const char *line,
                          size_t n);
int shuffle_each(struct moe_err *err, struct shuffle *s, shuffle_fn fn,
                 void *arg);
void shuffle_destroy(struct shuffle **sp);

#endif
