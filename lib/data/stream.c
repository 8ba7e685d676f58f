/*
 * stream.c - the bytes of a file, plain, gzip or zstd.
 */
#include "config.h"

#include "data/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include "data/suffix.h"

enum { IN_BYTES = 1 << 17 };

static int
fail_errno(struct moe_err *err, const struct stream *s)
{
    return moe_fail(err, MOE_EINPUT, "%s: %s", s->path, strerror(errno));
}

int
stream_open(struct moe_err *err, struct stream *s, const char *path)
{
    *s = (struct stream){.path = path};
    struct stat st;
    if (stat(path, &st) < 0)
        return fail_errno(err, s);
    if (S_ISDIR(st.st_mode))
        return moe_fail(err, MOE_EINPUT, "%s: is a directory", path);
    if (suffix_is(path, ".gz")) {
        s->gz = gzopen(path, "rb");
        return s->gz ? MOE_OK : fail_errno(err, s);
    }
    s->f = fopen(path, "rb");
    if (!s->f)
        return fail_errno(err, s);
    if (suffix_is(path, ".zst")) {
        s->zstd = ZSTD_createDCtx();
        s->in = malloc(IN_BYTES);
        if (!s->zstd || !s->in) {
            stream_close(s);
            return moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
        }
    }
    return MOE_OK;
}

static int
read_gzip(struct moe_err *err, struct stream *s, char *out, size_t cap,
          size_t *n)
{
    int code,
        got = gzread(s->gz, out, (unsigned)(cap < 1 << 30 ? cap : 1 << 30));
    const char *words = gzerror(s->gz, &code);
    if (got < 0 || (got == 0 && code != Z_OK))
        return moe_fail(err, MOE_EFORMAT, "%s: gzip: %s", s->path, words);
    *n = (size_t)got;
    s->consumed = (uint64_t)gzoffset(s->gz);
    return MOE_OK;
}

static int
read_plain(struct moe_err *err, struct stream *s, char *out, size_t cap,
           size_t *n)
{
    *n = fread(out, 1, cap, s->f);
    s->consumed += *n;
    return *n < cap && ferror(s->f) ? fail_errno(err, s) : MOE_OK;
}

static int
read_zstd(struct moe_err *err, struct stream *s, char *out, size_t cap,
          size_t *n)
{
    ZSTD_outBuffer to = {out, cap, 0};
    while (to.pos == 0) {
        if (s->in_at == s->in_n) {
            int rc = read_plain(err, s, s->in, IN_BYTES, &s->in_n);
            s->in_at = 0;
            if (rc)
                return rc;
            if (!s->in_n && s->pending)
                return moe_fail(err, MOE_EFORMAT, "%s: zstd: file is cut",
                                s->path);
            if (!s->in_n)
                break;
        }
        ZSTD_inBuffer from = {s->in, s->in_n, s->in_at};
        s->pending = ZSTD_decompressStream(s->zstd, &to, &from);
        if (ZSTD_isError(s->pending))
            return moe_fail(err, MOE_EFORMAT, "%s: zstd: %s", s->path,
                            ZSTD_getErrorName(s->pending));
        s->in_at = from.pos;
    }
    *n = to.pos;
    return MOE_OK;
}

int
stream_read(struct moe_err *err, struct stream *s, char *out, size_t cap,
            size_t *n)
{
    *n = 0;
    if (s->gz)
        return read_gzip(err, s, out, cap, n);
    return s->zstd ? read_zstd(err, s, out, cap, n)
                   : read_plain(err, s, out, cap, n);
}

void
stream_close(struct stream *s)
{
    if (s->gz)
        gzclose(s->gz);
    if (s->f)
        fclose(s->f);
    ZSTD_freeDCtx(s->zstd);
    free(s->in);
    *s = (struct stream){0};
}
