/*
 * hash.h - SHA-256 of bytes, texts and files, as 64 hexadecimal digits.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>

#include <sodium.h>

#include <polymoe/error.h>

enum { HASH_HEX = 65 };

struct hash {
    crypto_hash_sha256_state state;
};

void hash_begin(struct hash *h);
void hash_add(struct hash *h, const void *p, size_t n);
/* The text and its terminating zero, so that "a","bc" and "ab","c" differ. */
void hash_add_text(struct hash *h, const char *s);
void hash_end(struct hash *h, char hex[HASH_HEX]);

int hash_file(struct moe_err *err, char hex[HASH_HEX], const char *path);

#endif
