/*
 * bpe.h - byte-pair merging of one piece.
 *
 * The pair of lowest rank is merged first, the leftmost of equals, until no
 * pair of neighbours has a merge.
 */
#ifndef DATA_BPE_H
#define DATA_BPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <polymoe/error.h>
#include <polymoe/tokenizer.h>

#include "data/merges.h"
#include "data/piece_cache.h"
#include "data/vocab.h"

struct bpe_symbol {
    int32_t id;          // -1: merged into the one before it
    uint32_t prev, next; // places; UINT32_MAX: none
};

struct bpe_event {
    uint64_t key; // rank << 32 | place: the order of merging
    int32_t id;   // of the merged token, to tell when the pair has changed
};

struct bpe {
    const struct vocab *vocab; // borrowed; has a token for every byte in use
    struct merges merges;
    bool whole_first; // ignore_merges: a piece that is a token is not merged
    struct piece_cache cache;

    /* scratch for long pieces */
    struct bpe_symbol *symbol;
    size_t symbol_cap;
    struct bpe_event *heap;
    size_t heap_n, heap_cap;
};

/* An object without merges; its reader fills them in. */
int bpe_create(struct moe_err *err, struct bpe *bpe, const struct vocab *v);
void bpe_free(struct bpe *bpe);

/* Append the ids of a piece of n >= 1 bytes. */
int bpe_encode(struct moe_err *err, struct bpe *bpe, struct moe_ids *ids,
               const char *piece, size_t n);

/* Append n ids. */
int ids_append(struct moe_err *err, struct moe_ids *ids, const int32_t *id,
               size_t n);

#endif
