/*
 * vocab.c - the tokens of a tokenizer.json.
 */
#include "data/vocab.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

static uint32_t
hash_text(const char *s, size_t n)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)s[i]) * 16777619u;
    return h ^ h >> 15;
}

/* The slot of a text, or the free one where it belongs. */
static uint32_t *
find_slot(const struct vocab *v, const char *text, size_t n)
{
    size_t mask = v->slots - 1, i = hash_text(text, n) & mask;
    for (;; i = (i + 1) & mask) {
        if (!v->slot[i])
            return &v->slot[i];
        const struct vocab_token *t = &v->token[v->slot[i] - 1];
        if (t->text_n == n && memcmp(v->pool.s + t->text, text, n) == 0)
            return &v->slot[i];
    }
}

static bool
rehash(struct vocab *v)
{
    size_t slots = 64;
    while (slots < 4 * v->size)
        slots *= 2;
    uint32_t *slot = mem_zero(slots, sizeof *slot);
    if (!slot)
        return false;
    free(v->slot);
    v->slot = slot;
    v->slots = slots;
    for (size_t id = 0; id < v->size; id++) {
        const struct vocab_token *t = &v->token[id];
        if (t->id >= 0)
            *find_slot(v, v->pool.s + t->text, t->text_n) = (uint32_t)id + 1;
    }
    return true;
}

/* Room for token `id` in the list and for one more in the table. */
static bool
reserve(struct vocab *v, size_t id)
{
    if (id >= v->size) {
        struct vocab_token *grown =
            mem_grow(v->token, &v->cap, id + 1, sizeof *grown);
        if (!grown)
            return false;
        v->token = grown;
        while (v->size <= id)
            v->token[v->size++] = (struct vocab_token){.id = -1};
    }
    return v->slots >= 2 * v->size || rehash(v);
}

/* The byte that a character of the byte alphabet stands for, or -1. */
static int
byte_of(int32_t c)
{
    if (c < 0x100) {
        bool self = (c >= '!' && c <= '~') || (c >= 0xa1 && c != 0xad);
        return self ? c : -1;
    }
    c -= 0x100;
    if (c < 33)
        return c;
    if (c < 33 + 34)
        return c - 33 + 127;
    return c == 33 + 34 ? 0xad : -1;
}

/* The character of the byte alphabet for a byte. */
static int32_t
char_of(int byte)
{
    if (byte_of(byte) == byte)
        return byte;
    if (byte < 33)
        return 0x100 + byte;
    return byte == 0xad ? 0x100 + 33 + 34 : 0x100 + 33 + byte - 127;
}

/* Append the bytes that a written token stands for; its text as it is when a
 * character is not of the byte alphabet. */
static void
add_bytes(struct vocab *v, struct vocab_token *t, const char *text)
{
    t->bytes = v->pool.n;
    t->bytes_n = 0;
    for (size_t i = 0; i < t->text_n; t->bytes_n++) {
        int32_t c;
        int length = utf8_get(text + i, t->text_n - i, &c);
        int byte = length > 0 ? byte_of(c) : -1;
        if (byte < 0) {
            t->bytes = t->text;
            t->bytes_n = t->text_n;
            return;
        }
        str_add(&v->pool, &(unsigned char){(unsigned char)byte}, 1);
        i += (size_t)length;
    }
}

int
vocab_add(struct moe_err *err, struct vocab *v, const char *text, size_t n,
          int64_t id, const char *path)
{
    if (id < 0 || id >= VOCAB_MAX)
        return moe_fail(
            err, MOE_EFORMAT, "%s: token '%.*s': id %lld, want 0 to %d", path,
            (int)(n < 200 ? n : 200), text, (long long)id, VOCAB_MAX - 1);
    if (!reserve(v, (size_t)id))
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    struct vocab_token *t = &v->token[id];
    if (t->id >= 0)
        return moe_fail(err, MOE_EFORMAT,
                        "%s: tokens '%.*s' and '%.*s' have the same id %lld",
                        path, (int)(t->text_n < 200 ? t->text_n : 200),
                        v->pool.s + t->text, (int)(n < 200 ? n : 200), text,
                        (long long)id);
    *t = (struct vocab_token){.text = v->pool.n, .text_n = n, .id = -1};
    str_add(&v->pool, text, n);
    add_bytes(v, t, text);
    if (v->pool.failed)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    *find_slot(v, text, n) = (uint32_t)id + 1;
    t->id = (int32_t)id;
    if (t->bytes_n > v->longest)
        v->longest = t->bytes_n;
    return MOE_OK;
}

int
vocab_read(struct moe_err *err, struct vocab *v, const json_t *object,
           const char *path)
{
    const char *key;
    json_t *value;
    *v = (struct vocab){0};
    if (!json_is_object(object))
        return moe_fail(err, MOE_EFORMAT,
                        "%s: model.vocab: not a map from token to id", path);
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        size_t n = strlen(key);
        int rc =
            json_is_integer(value)
                ? vocab_add(err, v, key, n, json_integer_value(value), path)
                : moe_fail(err, MOE_EFORMAT,
                           "%s: model.vocab: the id of '%.200s' is not "
                           "an integer",
                           path, key);
        if (rc)
            return rc;
    }
    memset(v->byte_id, -1, sizeof v->byte_id);
    for (size_t id = 0; id < v->size; id++) {
        const struct vocab_token *t = &v->token[id];
        if (t->id >= 0 && t->bytes_n == 1 && t->bytes != t->text)
            v->byte_id[(unsigned char)v->pool.s[t->bytes]] = t->id;
    }
    return MOE_OK;
}

void
vocab_free(struct vocab *v)
{
    free(v->token);
    free(v->slot);
    str_free(&v->pool);
    *v = (struct vocab){0};
}

int32_t
vocab_find(const struct vocab *v, const char *text, size_t n)
{
    if (!v->slots)
        return -1;
    return (int32_t)*find_slot(v, text, n) - 1;
}

int32_t
vocab_find_bytes(const struct vocab *v, const char *bytes, size_t n)
{
    if (n > v->longest)
        return -1;
    struct str written = {0};
    for (size_t i = 0; i < n; i++) {
        char c[4];
        int length = utf8_put(c, char_of((unsigned char)bytes[i]));
        str_add(&written, c, (size_t)length);
    }
    int32_t id = written.failed ? -1 : vocab_find(v, written.s, written.n);
    str_free(&written);
    return id;
}

const char *
vocab_bytes(const struct vocab *v, int64_t id, size_t *n)
{
    if (id < 0 || (uint64_t)id >= v->size || v->token[id].id < 0)
        return NULL;
    *n = v->token[id].bytes_n;
    return v->pool.s + v->token[id].bytes;
}

void
vocab_plain(struct vocab *v, int32_t id)
{
    v->token[id].bytes = v->token[id].text;
    v->token[id].bytes_n = v->token[id].text_n;
}
