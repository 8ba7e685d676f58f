/*
 * merges.h - the merges of a tokenizer.json: which pair becomes which token,
 * and in which order.
 */
#ifndef DATA_MERGES_H
#define DATA_MERGES_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <polymoe/error.h>

#include "data/vocab.h"

struct merge {
    uint64_t pair; // left id << 32 | right id
    uint32_t rank; // place in the file; MERGE_FREE: no merge in this slot
    int32_t id;    // of the merged token
};

#define MERGE_FREE UINT32_MAX

struct merges {
    struct merge *slot; // open addressing
    size_t slots;       // a power of two
};

/*
 * Read model.merges: all of them "a b", or all of them ["a", "b"].
 *
 * MOE_EFORMAT with the index of a merge that is something else, or that makes
 * or takes a token which the vocabulary lacks.
 */
int merges_read(struct moe_err *err, struct merges *m, const struct vocab *v,
                const json_t *list, const char *path);
void merges_free(struct merges *m);

static inline uint64_t
merges_pair(int32_t left, int32_t right)
{
    return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

/* The slot of a pair, or the free one where it belongs. */
static inline struct merge *
merges_slot(const struct merges *m, uint64_t pair)
{
    size_t mask = m->slots - 1;
    size_t i = (size_t)(pair * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;
    while (m->slot[i].rank != MERGE_FREE && m->slot[i].pair != pair)
        i = (i + 1) & mask;
    return &m->slot[i];
}

/* The merge of two tokens, or NULL. */
static inline const struct merge *
merges_find(const struct merges *m, int32_t left, int32_t right)
{
    const struct merge *slot = merges_slot(m, merges_pair(left, right));
    return slot->rank == MERGE_FREE ? NULL : slot;
}

#endif
