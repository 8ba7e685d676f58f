/*
 * shard_writer.c - token ids to disk.
 */
#include "data/shard.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/mem.h"
#include "base/str.h"

static const uint64_t MAX_BYTES = UINT64_C(1) << 31;

struct shard_writer {
    char *dir, *stem;
    int width;
    int32_t eos;
    uint64_t max_bytes;
    unsigned files;   // finished
    uint64_t tokens;  // of all files
    uint64_t in_file; // of the open one
    bool open;        // a file is being written
    struct fs_writer ids, index;
    z_stream deflate; // of index
    bool deflating;
    struct str row;
};

int
shard_writer_create(struct moe_err *err, struct shard_writer **out,
                    const struct shard_options *opt)
{
    struct shard_writer *w = mem_zero(1, sizeof *w);
    *out = NULL;
    if (w) {
        w->dir = str_copy(opt->dir);
        w->stem = str_copy(opt->stem);
        w->width = shard_width(opt->V);
        w->eos = opt->eos;
        w->max_bytes = opt->max_bytes ? opt->max_bytes : MAX_BYTES;
    }
    if (!w || !w->dir || !w->stem) {
        shard_writer_destroy(&w);
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", opt->dir);
    }
    *out = w;
    return MOE_OK;
}

/* Compress what is in `row` and write it; `finish` ends the stream. */
static int
put_index(struct moe_err *err, struct shard_writer *w, bool finish)
{
    unsigned char out[1 << 14];
    int rc = w->row.failed
                 ? moe_fail(err, MOE_ENOMEM, "%s: out of memory", w->dir)
                 : MOE_OK;
    w->deflate.next_in = (unsigned char *)w->row.s;
    w->deflate.avail_in = (uInt)w->row.n;
    do {
        w->deflate.next_out = out;
        w->deflate.avail_out = sizeof out;
        deflate(&w->deflate, finish ? Z_FINISH : Z_NO_FLUSH);
        if (!rc)
            rc = fs_put(err, &w->index, out, sizeof out - w->deflate.avail_out);
    } while (!rc && w->deflate.avail_out == 0);
    str_clear(&w->row);
    return rc;
}

static int
open_file(struct moe_err *err, struct shard_writer *w)
{
    char *ids = str_format("%s/%s.%05u.npy", w->dir, w->stem, w->files);
    char *index = str_format("%s/%s.%05u.csv.gz", w->dir, w->stem, w->files);
    w->deflate = (z_stream){0};
    int rc = MOE_OK;
    /* 15 bits of window, 16 asks for gzip's header. */
    w->deflating = ids && index &&
                   deflateInit2(&w->deflate, 6, Z_DEFLATED, 15 + 16, 8,
                                Z_DEFAULT_STRATEGY) == Z_OK;
    if (!w->deflating)
        rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", w->dir);
    if (!rc)
        rc = fs_create(err, &w->ids, ids);
    if (!rc)
        rc = fs_create(err, &w->index, index);
    free(ids);
    free(index);
    w->open = !rc;
    w->in_file = 0;
    return rc;
}

/* The index gets its name first: a shard that is there has its index. */
static int
close_file(struct moe_err *err, struct shard_writer *w)
{
    if (!w->open)
        return MOE_OK;
    int rc = put_index(err, w, true);
    deflateEnd(&w->deflate);
    w->deflating = w->open = false;
    if (!rc)
        rc = fs_commit(err, &w->index);
    if (!rc)
        rc = fs_commit(err, &w->ids);
    w->files += !rc;
    return rc;
}

static int
put_ids(struct moe_err *err, struct shard_writer *w, const int32_t *ids,
        size_t n)
{
    unsigned char bytes[4096];
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        for (int b = 0; b < w->width; b++)
            bytes[used++] = (unsigned char)((uint32_t)ids[i] >> 8 * b);
        if (used == sizeof bytes || i + 1 == n) {
            int rc = fs_put(err, &w->ids, bytes, used);
            if (rc)
                return rc;
            used = 0;
        }
    }
    return MOE_OK;
}

/* A field, quoted where RFC 4180 wants it. */
static void
put_field(struct str *row, const char *s)
{
    if (!s[strcspn(s, ",\"\r\n")]) {
        str_puts(row, s);
        return;
    }
    str_puts(row, "\"");
    for (; *s; s++)
        str_add(row, *s == '"' ? "\"\"" : s, *s == '"' ? 2 : 1);
    str_puts(row, "\"");
}

static int
put_row(struct moe_err *err, struct shard_writer *w, uint64_t n, const char *id,
        const char *src, uint64_t loc)
{
    char number[32];
    snprintf(number, sizeof number, "%llu", (unsigned long long)loc);
    str_printf(&w->row, "%llu,%llu,", (unsigned long long)w->in_file,
               (unsigned long long)(w->in_file + n));
    put_field(&w->row, id ? id : number);
    str_puts(&w->row, ",");
    put_field(&w->row, src);
    str_printf(&w->row, ",%s\n", number);
    return put_index(err, w, false);
}

int
shard_writer_add(struct moe_err *err, struct shard_writer *w,
                 const int32_t *ids, size_t n, const char *id, const char *src,
                 uint64_t loc)
{
    uint64_t more = n + (w->eos >= 0);
    int rc = MOE_OK;
    if (w->open && w->in_file &&
        (w->in_file + more) * (unsigned)w->width > w->max_bytes)
        rc = close_file(err, w);
    if (!rc && !w->open)
        rc = open_file(err, w);
    if (!rc)
        rc = put_row(err, w, more, id, src, loc);
    if (!rc)
        rc = put_ids(err, w, ids, n);
    if (!rc && w->eos >= 0)
        rc = put_ids(err, w, &w->eos, 1);
    w->in_file += more;
    w->tokens += more;
    return rc;
}

int
shard_writer_finish(struct moe_err *err, struct shard_writer *w)
{
    return close_file(err, w);
}

void
shard_writer_destroy(struct shard_writer **wp)
{
    struct shard_writer *w = *wp;
    if (!w)
        return;
    fs_abort(&w->ids);
    fs_abort(&w->index);
    if (w->deflating)
        deflateEnd(&w->deflate);
    str_free(&w->row);
    free(w->dir);
    free(w->stem);
    free(w);
    *wp = NULL;
}

uint64_t
shard_writer_tokens(const struct shard_writer *w)
{
    return w->tokens;
}

unsigned
shard_writer_files(const struct shard_writer *w)
{
    return w->files;
}
