/*
 * stream.h - the bytes of a file, plain, gzip or zstd by its name's ending.
 */
#ifndef DATA_STREAM_H
#define DATA_STREAM_H

#include <stdint.h>
#include <stdio.h>

#include <polymoe/error.h>

struct gzFile_s;
struct ZSTD_DCtx_s;

struct stream {
    const char *path;         // borrowed
    FILE *f;                  // plain and zstd
    struct gzFile_s *gz;      // gzip
    struct ZSTD_DCtx_s *zstd; // zstd
    char *in;                 // compressed bytes not yet used
    size_t in_n, in_at, pending;
    uint64_t consumed; // bytes of the file so far
};

/* Open by ending: .gz, .zst, anything else as it is.  MOE_EINPUT. */
int stream_open(struct moe_err *err, struct stream *s, const char *path);

/* Up to cap bytes; *n is 0 only at the end.  A compressed file that ends too
 * early or is damaged is MOE_EFORMAT. */
int stream_read(struct moe_err *err, struct stream *s, char *out, size_t cap,
                size_t *n);
void stream_close(struct stream *s);

#endif
