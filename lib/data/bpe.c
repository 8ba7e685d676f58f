/*
 * bpe.c - byte-pair merging of one piece.
 *
 * Short pieces, nearly all, are merged by looking for the lowest rank again
 * after each merge.  Long ones take a heap of pairs, so that a megabyte
 * without a boundary costs n log n.
 */
#include "data/bpe.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { SHORT_PIECE = 48 };
static const uint32_t NONE = UINT32_MAX;

int
ids_append(struct moe_err *err, struct moe_ids *ids, const int32_t *id,
           size_t n)
{
    int32_t *grown = mem_grow(ids->id, &ids->cap, ids->n + n, sizeof *id);
    if (!grown)
        return moe_fail(err, MOE_ENOMEM, "tokenizer: out of memory");
    ids->id = grown;
    memcpy(ids->id + ids->n, id, n * sizeof *id);
    ids->n += n;
    return MOE_OK;
}

/* ---- Short pieces ------------------------------------------------------- */

static int
merge_short(struct moe_err *err, const struct bpe *bpe, struct moe_ids *ids,
            const char *piece, size_t n)
{
    int32_t id[SHORT_PIECE];
    const struct merge *pair[SHORT_PIECE]; // of i and i + 1
    for (size_t i = 0; i < n; i++)
        id[i] = bpe->vocab->byte_id[(unsigned char)piece[i]];
    for (size_t i = 0; i + 1 < n; i++)
        pair[i] = merges_find(&bpe->merges, id[i], id[i + 1]);
    for (;;) {
        size_t best = n;
        uint32_t rank = NONE;
        for (size_t i = 0; i + 1 < n; i++)
            if (pair[i] && pair[i]->rank < rank) {
                rank = pair[i]->rank;
                best = i;
            }
        if (rank == NONE)
            return ids_append(err, ids, id, n);
        id[best] = pair[best]->id;
        n--;
        for (size_t i = best + 1; i < n; i++) {
            id[i] = id[i + 1];
            pair[i - 1] = pair[i];
        }
        if (best > 0)
            pair[best - 1] = merges_find(&bpe->merges, id[best - 1], id[best]);
        if (best + 1 < n)
            pair[best] = merges_find(&bpe->merges, id[best], id[best + 1]);
    }
}

/* ---- Long pieces -------------------------------------------------------- */

static bool
heap_push(struct bpe *bpe, struct bpe_event e)
{
    struct bpe_event *h =
        mem_grow(bpe->heap, &bpe->heap_cap, bpe->heap_n + 1, sizeof *h);
    if (!h)
        return false;
    bpe->heap = h;
    size_t i = bpe->heap_n++;
    for (; i > 0 && h[(i - 1) / 2].key > e.key; i = (i - 1) / 2)
        h[i] = h[(i - 1) / 2];
    h[i] = e;
    return true;
}

static struct bpe_event
heap_pop(struct bpe *bpe)
{
    struct bpe_event *h = bpe->heap, top = h[0], e = h[--bpe->heap_n];
    size_t n = bpe->heap_n, i = 0;
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && h[child + 1].key < h[child].key)
            child++;
        if (h[child].key >= e.key)
            break;
        h[i] = h[child];
    }
    h[i] = e;
    return top;
}

/* The pair that begins at `at`, if it has a merge, joins the queue. */
static bool
consider(struct bpe *bpe, uint32_t at)
{
    uint32_t next = at == NONE ? NONE : bpe->symbol[at].next;
    if (next == NONE)
        return true;
    const struct merge *m =
        merges_find(&bpe->merges, bpe->symbol[at].id, bpe->symbol[next].id);
    return !m || heap_push(bpe, (struct bpe_event){(uint64_t)m->rank << 32 | at,
                                                   m->id});
}

/* Merge the pair of an event, unless one of the two has changed since. */
static bool
apply(struct bpe *bpe, struct bpe_event e)
{
    struct bpe_symbol *s = bpe->symbol;
    uint32_t at = (uint32_t)e.key, next = s[at].next;
    if (s[at].id < 0 || next == NONE)
        return true;
    const struct merge *m = merges_find(&bpe->merges, s[at].id, s[next].id);
    if (!m || m->id != e.id)
        return true;
    s[at].id = m->id;
    s[next].id = -1;
    s[at].next = s[next].next;
    if (s[at].next != NONE)
        s[s[at].next].prev = at;
    return consider(bpe, s[at].prev) && consider(bpe, at);
}

static bool
merge_heap(struct bpe *bpe, const char *piece, uint32_t n)
{
    struct bpe_symbol *s =
        mem_grow(bpe->symbol, &bpe->symbol_cap, n, sizeof *s);
    if (!s)
        return false;
    bpe->symbol = s;
    for (uint32_t i = 0; i < n; i++)
        s[i] = (struct bpe_symbol){bpe->vocab->byte_id[(unsigned char)piece[i]],
                                   i ? i - 1 : NONE, i + 1 < n ? i + 1 : NONE};
    bool ok = true;
    bpe->heap_n = 0;
    for (uint32_t i = 0; ok && i + 1 < n; i++)
        ok = consider(bpe, i);
    while (ok && bpe->heap_n)
        ok = apply(bpe, heap_pop(bpe));
    return ok;
}

static int
merge_long(struct moe_err *err, struct bpe *bpe, struct moe_ids *ids,
           const char *piece, size_t n)
{
    if (n >= NONE || !merge_heap(bpe, piece, (uint32_t)n))
        return moe_fail(err, MOE_ENOMEM,
                        "tokenizer: no memory to merge a piece of %zu bytes",
                        n);
    int rc = MOE_OK;
    for (uint32_t i = 0; !rc && i != NONE; i = bpe->symbol[i].next)
        rc = ids_append(err, ids, &bpe->symbol[i].id, 1);
    return rc;
}

/* ---- Any piece --------------------------------------------------------- */

static int
merge_piece(struct moe_err *err, struct bpe *bpe, struct moe_ids *ids,
            const char *piece, size_t n)
{
    int32_t whole =
        bpe->whole_first ? vocab_find_bytes(bpe->vocab, piece, n) : -1;
    if (whole >= 0)
        return ids_append(err, ids, &whole, 1);
    return n > SHORT_PIECE ? merge_long(err, bpe, ids, piece, n)
                           : merge_short(err, bpe, ids, piece, n);
}

int
bpe_encode(struct moe_err *err, struct bpe *bpe, struct moe_ids *ids,
           const char *piece, size_t n)
{
    if (n > PIECE_CACHE_BYTES)
        return merge_piece(err, bpe, ids, piece, n);
    uint64_t hash = piece_hash(piece, n);
    const struct cached_piece *c =
        piece_cache_find(&bpe->cache, hash, piece, n);
    if (c)
        return ids_append(err, ids, bpe->cache.ids + c->ids, c->ids_n);
    size_t before = ids->n;
    int rc = merge_piece(err, bpe, ids, piece, n);
    if (!rc)
        piece_cache_add(&bpe->cache, hash, piece, n, ids->id + before,
                        ids->n - before);
    return rc;
}

int
bpe_create(struct moe_err *err, struct bpe *bpe, const struct vocab *v)
{
    *bpe = (struct bpe){.vocab = v};
    return piece_cache_create(&bpe->cache)
               ? MOE_OK
               : moe_fail(err, MOE_ENOMEM, "tokenizer: out of memory");
}

void
bpe_free(struct bpe *bpe)
{
    merges_free(&bpe->merges);
    piece_cache_free(&bpe->cache);
    free(bpe->symbol);
    free(bpe->heap);
    *bpe = (struct bpe){0};
}
