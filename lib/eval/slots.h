/*
 * slots.h - the cache of keys and values as places for sequences, and which
 * of them a new sequence goes on from.
 */
#ifndef EVAL_SLOTS_H
#define EVAL_SLOTS_H

#include <stdbool.h>

#include "model/run.h"

/* `ids` [0, valid) are there from the passes before. */
struct slot {
    const int32_t *ids; // borrowed from the sequence that was there last
    int64_t valid;
    uint64_t used; // when
    bool busy;     // a sequence is not done yet
};

struct slots {
    struct moe_run *run; // borrowed
    struct slot *slot;
    size_t n;
    int64_t rows; // of the cache, of one slot
    uint64_t clock;
};

/* As many slots of `rows` positions as the run's cache has, at most `most`. */
int slots_create(struct slots *s, struct moe_run *run, int64_t rows,
                 size_t most);
void slots_destroy(struct slots *s);

/* How many ids two sequences have in common from the start, at most n. */
int64_t slots_common(const int32_t *a, const int32_t *b, int64_t n);

/* The most of ids [0, n) that any slot has. */
int64_t slots_have(const struct slots *s, const int32_t *ids, int64_t n);

/*
 * A place for a sequence of n ids, of which at most `past` may be taken over
 * from what is in the cache: the slot that has most of them, or a free one to
 * which these are copied.
 *
 * *slot gets its number, SIZE_MAX when every slot is busy, and *have how many
 * ids are there already.
 */
int slots_take(struct slots *s, const int32_t *ids, int64_t n, int64_t past,
               size_t *slot, int64_t *have);

#endif
