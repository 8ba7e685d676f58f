/*
 * piece_cache.h - pieces of text whose ids are known.
 *
 * Text repeats its words: nine in ten pieces are found here.  Memory is
 * bounded: when a pool is full everything is forgotten.
 */
#ifndef DATA_PIECE_CACHE_H
#define DATA_PIECE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PIECE_CACHE_BYTES = 48 }; // longest piece worth keeping

struct cached_piece {
    uint64_t hash;
    uint32_t bytes, ids;     // where they begin in the pools
    uint16_t bytes_n, ids_n; // bytes_n 0: the slot is free
};

struct piece_cache {
    struct cached_piece *slot; // open addressing
    char *bytes;
    int32_t *ids;
    size_t n, bytes_n, ids_n; // in use
};

bool piece_cache_create(struct piece_cache *c);
void piece_cache_free(struct piece_cache *c);

uint64_t piece_hash(const char *piece, size_t n);

/* A known piece of 1 to PIECE_CACHE_BYTES bytes, or NULL; valid until the
 * next add. */
const struct cached_piece *piece_cache_find(const struct piece_cache *c,
                                            uint64_t hash, const char *piece,
                                            size_t n);
/* Add a piece that is not there. */
void piece_cache_add(struct piece_cache *c, uint64_t hash, const char *piece,
                     size_t n, const int32_t *id, size_t ids);

#endif
