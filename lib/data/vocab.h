/*
 * vocab.h - the tokens of a tokenizer.json: text to id, id to bytes.
 *
 * A byte-level file writes every byte as one printable character: the 188
 * printable ones of Latin-1 stand for themselves, the other 68 are U+0100
 * onwards in byte order.
 */
#ifndef DATA_VOCAB_H
#define DATA_VOCAB_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <polymoe/error.h>

#include "base/str.h"

enum { VOCAB_MAX = 1 << 24 };

struct vocab_token {
    size_t text, text_n;   // as the file writes it
    size_t bytes, bytes_n; // what it stands for
    int32_t id;            // -1: no such token
};

struct vocab {
    struct vocab_token *token; // by id
    size_t size, cap;          // highest id and one
    uint32_t *slot;            // open addressing: id + 1, 0 is free
    size_t slots;              // a power of two
    size_t longest;            // bytes of the longest token
    struct str pool;           // text and bytes of all tokens
    int32_t byte_id[256];      // token of each single byte, -1: none
};

/* Read model.vocab; `path` stands in errors. */
int vocab_read(struct moe_err *err, struct vocab *v, const json_t *object,
               const char *path);
void vocab_free(struct vocab *v);

/* Add a token, given as plain text, that model.vocab does not have. */
int vocab_add(struct moe_err *err, struct vocab *v, const char *text, size_t n,
              int64_t id, const char *path);

/* The id of a token as the file writes it, or -1. */
int32_t vocab_find(const struct vocab *v, const char *text, size_t n);

/* The id of the token of model.vocab that stands for these bytes, or -1. */
int32_t vocab_find_bytes(const struct vocab *v, const char *bytes, size_t n);

/* The bytes of a token, or NULL. */
const char *vocab_bytes(const struct vocab *v, int64_t id, size_t *n);

/* Make the bytes of a token its text as it is written. */
void vocab_plain(struct vocab *v, int32_t id);

#endif
