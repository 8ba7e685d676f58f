/*
 * piece_cache.c - pieces of text whose ids are known.
 */
#include "data/piece_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* At most half of the slots are taken; the pools hold pieces of 16 bytes and
 * 4 ids on average. */
enum {
    SLOTS = 1 << 17,
    PIECES = SLOTS / 2,
    POOL_BYTES = 16 * PIECES,
    POOL_IDS = 4 * PIECES
};

bool
piece_cache_create(struct piece_cache *c)
{
    *c = (struct piece_cache){.slot = mem_zero(SLOTS, sizeof *c->slot),
                              .bytes = mem_zero(POOL_BYTES, 1),
                              .ids = mem_zero(POOL_IDS, sizeof *c->ids)};
    return c->slot && c->bytes && c->ids;
}

void
piece_cache_free(struct piece_cache *c)
{
    free(c->slot);
    free(c->bytes);
    free(c->ids);
    *c = (struct piece_cache){0};
}

/* Eight bytes at a time, each step a product with its halves folded. */
uint64_t
piece_hash(const char *piece, size_t n)
{
    uint64_t h = n * UINT64_C(0x9e3779b97f4a7c15), word;
    for (; n >= sizeof word; piece += sizeof word, n -= sizeof word) {
        memcpy(&word, piece, sizeof word);
        h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 32;
    }
    word = 0;
    memcpy(&word, piece, n);
    h = (h ^ word) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ h >> 29;
}

/* The slot of a piece, or the free one where it belongs. */
static struct cached_piece *
find(const struct piece_cache *c, uint64_t hash, const char *piece, size_t n)
{
    for (size_t i = hash & (SLOTS - 1);; i = (i + 1) & (SLOTS - 1)) {
        struct cached_piece *p = &c->slot[i];
        if (!p->bytes_n || (p->hash == hash && p->bytes_n == n &&
                            memcmp(c->bytes + p->bytes, piece, n) == 0))
            return p;
    }
}

const struct cached_piece *
piece_cache_find(const struct piece_cache *c, uint64_t hash, const char *piece,
                 size_t n)
{
    const struct cached_piece *p = find(c, hash, piece, n);
    return p->bytes_n ? p : NULL;
}

void
piece_cache_add(struct piece_cache *c, uint64_t hash, const char *piece,
                size_t n, const int32_t *id, size_t ids)
{
    if (c->n == PIECES || c->bytes_n + n > POOL_BYTES ||
        c->ids_n + ids > POOL_IDS) {
        memset(c->slot, 0, SLOTS * sizeof *c->slot);
        c->n = c->bytes_n = c->ids_n = 0;
    }
    *find(c, hash, piece, n) =
        (struct cached_piece){hash, (uint32_t)c->bytes_n, (uint32_t)c->ids_n,
                              (uint16_t)n, (uint16_t)ids};
    memcpy(c->bytes + c->bytes_n, piece, n);
    memcpy(c->ids + c->ids_n, id, ids * sizeof *id);
    c->n++;
    c->bytes_n += n;
    c->ids_n += ids;
}
