/*
 * shard_index.c - where the documents of a shard lie.
 */
#include "data/shard.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/mem.h"
#include "base/str.h"

static int
add(struct moe_err *err, struct shard *s, uint64_t start, uint64_t end)
{
    struct shard_span *grown = mem_grow(s->document, &s->document_cap,
                                        s->documents + 1, sizeof *grown);
    if (!grown)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", s->path);
    s->document = grown;
    s->document[s->documents++] = (struct shard_span){start, end};
    return MOE_OK;
}

static int
by_eos(struct moe_err *err, struct shard *s, int32_t eos)
{
    uint64_t start = 0;
    for (uint64_t i = 0; i < s->tokens; i++) {
        int32_t id;
        int rc = shard_read(err, s, i, 1, &id);
        if (rc)
            return rc;
        if (id == eos || i + 1 == s->tokens) {
            if ((rc = add(err, s, start, i + 1)))
                return rc;
            start = i + 1;
        }
    }
    return MOE_OK;
}

/* Rows follow each other without overlap and stay inside the shard. */
static int
add_row(struct moe_err *err, struct shard *s, const char *row, const char *path,
        size_t line)
{
    char *comma, *end = NULL;
    uint64_t start = strtoull(row, &comma, 10);
    uint64_t stop = *comma == ',' ? strtoull(comma + 1, &end, 10) : 0;
    uint64_t least = s->documents ? s->document[s->documents - 1].end : 0;
    if (comma == row || *comma != ',' || end == comma + 1 || start < least ||
        stop < start || stop > s->tokens)
        return moe_fail(err, MOE_EFORMAT,
                        "%s:%zu: not start,end of a document within %llu "
                        "tokens after %llu",
                        path, line, (unsigned long long)s->tokens,
                        (unsigned long long)least);
    return add(err, s, start, stop);
}

/* Fields after the second may hold line ends in quotes. */
static int
by_index(struct moe_err *err, struct shard *s, gzFile f, const char *path)
{
    char piece[4096];
    bool quoted = false, fresh = true;
    size_t line = 0;
    int rc = MOE_OK, code;
    while (!rc && gzgets(f, piece, sizeof piece)) {
        if (fresh)
            rc = add_row(err, s, piece, path, ++line);
        size_t n = strlen(piece);
        for (size_t i = 0; i < n; i++)
            quoted ^= piece[i] == '"';
        fresh = n && piece[n - 1] == '\n' && !quoted;
    }
    const char *words = gzerror(f, &code);
    if (!rc && code != Z_OK && code != Z_STREAM_END)
        rc = moe_fail(err, MOE_EFORMAT, "%s: gzip: %s", path, words);
    return rc;
}

int
shard_documents(struct moe_err *err, struct shard *s, int32_t eos)
{
    const char *slash = strrchr(s->path, '/'), *dot = strrchr(s->path, '.');
    size_t stem = dot && (!slash || dot > slash) ? (size_t)(dot - s->path)
                                                 : strlen(s->path);
    char *path = str_format("%.*s.csv.gz", (int)stem, s->path);
    if (!path)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", s->path);
    s->documents = 0;
    gzFile f = fs_exists(path) ? gzopen(path, "rb") : NULL;
    int rc = f ? by_index(err, s, f, path) : by_eos(err, s, eos);
    if (f)
        gzclose(f);
    free(path);
    return rc;
}
