/*
 * hash.c - SHA-256 of bytes, texts and files, as 64 hexadecimal digits.
 */
#include "base/hash.h"

#include <string.h>

#include "base/fs.h"

void
hash_begin(struct hash *h)
{
    crypto_hash_sha256_init(&h->state);
}

void
hash_add(struct hash *h, const void *p, size_t n)
{
    crypto_hash_sha256_update(&h->state, p, n);
}

void
hash_add_text(struct hash *h, const char *s)
{
    hash_add(h, s, strlen(s) + 1);
}

void
hash_end(struct hash *h, char hex[HASH_HEX])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(&h->state, digest);
    sodium_bin2hex(hex, HASH_HEX, digest, sizeof digest);
}

int
hash_file(struct moe_err *err, char hex[HASH_HEX], const char *path)
{
    struct fs_map map;
    struct hash h;
    int rc = fs_map_open(err, &map, path);
    if (rc)
        return rc;
    hash_begin(&h);
    hash_add(&h, map.size ? map.data : (const void *)"", map.size);
    hash_end(&h, hex);
    fs_map_close(&map);
    return MOE_OK;
}
