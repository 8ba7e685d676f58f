/*
 * scan.c - a walk over one MessagePack value with a fixed stack.
 */
#include "config.h"

#include "proto/scan.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

struct key {
    const unsigned char *s;
    size_t n;
};

/* A container that is open.  The keys of open maps lie one after another in
 * the scan's list, which a map that ends takes its keys from again. */
struct level {
    bool map;
    bool key;       // the next value of a map is a key
    size_t left;    // values to come, keys included
    size_t keys_at; // first of its keys in the list
};

struct scan {
    struct moe_err *err;
    const unsigned char *p;
    size_t n, at;
    size_t nodes;
    struct level level[PROTO_DEPTH];
    size_t depth;
    struct key *keys;
    size_t n_keys, cap_keys;
};

/* What a head byte announces. */
enum what { WHAT_PLAIN, WHAT_STR, WHAT_BIN, WHAT_ARRAY, WHAT_MAP, WHAT_BAD };

static enum proto_error
bad(struct scan *s, enum proto_error code, const char *words)
{
    moe_fail(s->err, proto_error_code(code), "message: byte %zu: %s", s->at,
             words);
    return code;
}

static int
compare_keys(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    size_t n = x->n < y->n ? x->n : y->n;
    int rc = memcmp(x->s, y->s, n);
    return rc ? rc : (x->n > y->n) - (x->n < y->n);
}

/* The head byte h: its kind; *bytes of length that follow it (plain: bytes of
 * value), *count when the head itself holds it. */
static enum what
classify(unsigned char h, size_t *bytes, size_t *count)
{
    *bytes = 0;
    *count = 0;
    if (h <= 0x7f || h >= 0xe0)
        return WHAT_PLAIN;
    if (h <= 0x9f) {
        *count = h & 0x0f;
        return h <= 0x8f ? WHAT_MAP : WHAT_ARRAY;
    }
    if (h <= 0xbf) {
        *count = h & 0x1f;
        return WHAT_STR;
    }
    if (h >= 0xc4 && h <= 0xc6) {
        *bytes = (size_t)1 << (h - 0xc4);
        return WHAT_BIN;
    }
    if (h >= 0xd9 && h <= 0xdb) {
        *bytes = (size_t)1 << (h - 0xd9);
        return WHAT_STR;
    }
    if (h >= 0xdc) {
        *bytes = h & 1 ? 4 : 2;
        return h <= 0xdd ? WHAT_ARRAY : WHAT_MAP;
    }
    if (h == 0xca || h == 0xcb)
        *bytes = h == 0xca ? 4 : 8;
    else if (h >= 0xcc && h <= 0xd3)
        *bytes = (size_t)1 << ((h - 0xcc) & 3);
    else if (h != 0xc0 && h != 0xc2 && h != 0xc3)
        return WHAT_BAD;
    return WHAT_PLAIN;
}

static enum proto_error
take_string(struct scan *s, enum what what, size_t n)
{
    if (n > PROTO_STRING)
        return bad(s, PROTO_too_large, "a string of more than 65536 bytes");
    if (n > s->n - s->at)
        return bad(s, PROTO_bad_message, "a string ends after the message");
    const unsigned char *text = s->p + s->at;
    if (what == WHAT_STR &&
        (!utf8_valid((const char *)text, n) || (n && memchr(text, '\0', n))))
        return bad(s, PROTO_bad_message, "a string that is not UTF-8 text");
    struct level *top = s->depth ? &s->level[s->depth - 1] : NULL;
    if (top && top->map && top->key) {
        struct key *keys =
            mem_grow(s->keys, &s->cap_keys, s->n_keys + 1, sizeof *keys);
        if (!keys)
            return bad(s, PROTO_internal, "out of memory");
        s->keys = keys;
        keys[s->n_keys++] = (struct key){text, n};
    }
    s->at += n;
    return PROTO_OK;
}

static enum proto_error
open_container(struct scan *s, enum what what, size_t count)
{
    size_t values = what == WHAT_MAP ? 2 * count : count;
    if (count > PROTO_ITEMS)
        return bad(s, PROTO_too_large, "a map or array of more than 4096");
    if (values > s->n - s->at)
        return bad(s, PROTO_bad_message, "more values claimed than bytes left");
    if (s->depth == PROTO_DEPTH)
        return bad(s, PROTO_too_deep, "nested more than 8 deep");
    s->level[s->depth++] = (struct level){.map = what == WHAT_MAP,
                                          .key = what == WHAT_MAP,
                                          .left = values,
                                          .keys_at = s->n_keys};
    return PROTO_OK;
}

/* The keys of the innermost map differ; forget them. */
static enum proto_error
close_map(struct scan *s, const struct level *top)
{
    struct key *keys = s->keys + top->keys_at;
    size_t n = s->n_keys - top->keys_at;
    if (n > 1)
        qsort(keys, n, sizeof *keys, compare_keys);
    for (size_t i = 1; i < n; i++)
        if (compare_keys(&keys[i - 1], &keys[i]) == 0)
            return bad(s, PROTO_bad_message, "a key stands twice in a map");
    s->n_keys = top->keys_at;
    return PROTO_OK;
}

/* One value was completed: count it, close what is full. */
static enum proto_error
complete(struct scan *s)
{
    while (s->depth && s->level[s->depth - 1].left == 0) {
        struct level *top = &s->level[s->depth - 1];
        enum proto_error rc = top->map ? close_map(s, top) : PROTO_OK;
        if (rc)
            return rc;
        s->depth--;
    }
    return PROTO_OK;
}

/* Charge the next value to the open container. */
static enum proto_error
enter(struct scan *s, enum what what)
{
    if (++s->nodes > PROTO_NODES)
        return bad(s, PROTO_too_large, "more than 65536 values");
    if (what == WHAT_BAD)
        return bad(s, PROTO_bad_message, "an ext type or reserved byte");
    if (!s->depth)
        return PROTO_OK;
    struct level *top = &s->level[s->depth - 1];
    if (top->map && top->key && what != WHAT_STR)
        return bad(s, PROTO_bad_message, "a map key that is no string");
    return PROTO_OK;
}

/* Count the value whose parent is `level`. */
static void
charge(struct scan *s, size_t depth)
{
    if (!depth)
        return;
    struct level *top = &s->level[depth - 1];
    top->left--;
    if (top->map)
        top->key = !top->key;
}

static enum proto_error
take_value(struct scan *s)
{
    size_t bytes, count, depth = s->depth;
    if (s->at == s->n)
        return bad(s, PROTO_bad_message, "the message ends too early");
    enum what what = classify(s->p[s->at], &bytes, &count);
    enum proto_error rc = enter(s, what);
    if (rc)
        return rc;
    s->at++;
    if (bytes > s->n - s->at)
        return bad(s, PROTO_bad_message, "the message ends too early");
    for (size_t i = 0; what != WHAT_PLAIN && i < bytes; i++)
        count = count << 8 | s->p[s->at + i];
    s->at += bytes;
    if (what == WHAT_STR || what == WHAT_BIN)
        rc = take_string(s, what, count);
    else if (what == WHAT_ARRAY || what == WHAT_MAP)
        rc = open_container(s, what, count);
    if (rc)
        return rc;
    charge(s, depth);
    return complete(s);
}

enum proto_error
scan_frame(struct moe_err *err, const void *bytes, size_t n)
{
    struct scan s = {.err = err, .p = bytes, .n = n};
    if (n > PROTO_FRAME_BYTES)
        return bad(&s, PROTO_too_large, "a message of more than 1048576 bytes");
    enum proto_error rc = take_value(&s);
    while (!rc && s.depth)
        rc = take_value(&s);
    if (!rc && s.at != n)
        rc = bad(&s, PROTO_bad_message, "bytes after the message");
    free(s.keys);
    return rc;
}
