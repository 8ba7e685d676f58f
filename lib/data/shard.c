/*
 * shard.c - reading token ids on disk.
 */
#include "data/shard.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "data/suffix.h"

int
shard_width(int64_t V)
{
    return V > 65536 ? 4 : 2;
}

static int
width_by_name(const char *path, int64_t V)
{
    if (suffix_is(path, ".u16"))
        return 2;
    return suffix_is(path, ".u32") ? 4 : shard_width(V);
}

/* The value after `key` in NumPy's header, or NULL. */
static const char *
npy_value(const char *header, const char *key)
{
    const char *at = strstr(header, key);
    at = at ? strchr(at + strlen(key), ':') : NULL;
    return at ? at + 1 + strspn(at + 1, " ") : NULL;
}

static int
npy_refuse(struct moe_err *err, const char *path)
{
    return moe_fail(err, MOE_EFORMAT,
                    "%s: NumPy header is not of a flat little-endian array of "
                    "uint16 or uint32",
                    path);
}

/* The header's text says how many ids of which width follow. */
static int
npy_parse(struct moe_err *err, struct shard *s, const char *header)
{
    const char *descr = npy_value(header, "'descr'");
    const char *order = npy_value(header, "'fortran_order'");
    const char *shape = npy_value(header, "'shape'");
    char *end;
    if (!descr || !order || !shape || *shape != '(')
        return npy_refuse(err, s->path);
    if (strncmp(descr, "'<u2'", 5) == 0)
        s->width = 2;
    else if (strncmp(descr, "'<u4'", 5) == 0)
        s->width = 4;
    else
        return npy_refuse(err, s->path);
    s->tokens = strtoull(shape + 1, &end, 10);
    if (end == shape + 1 || (strncmp(end, ",)", 2) != 0 && *end != ')'))
        return npy_refuse(err, s->path);
    return MOE_OK;
}

static int
npy_open(struct moe_err *err, struct shard *s)
{
    const unsigned char *p = s->map.data;
    size_t fixed = s->map.size > 6 && p[6] == 1 ? 10 : 12;
    if (s->map.size < fixed)
        return npy_refuse(err, s->path);
    size_t n = p[8] | (size_t)p[9] << 8;
    if (fixed == 12)
        n |= (size_t)p[10] << 16 | (size_t)p[11] << 24;
    if (n > s->map.size - fixed || n > 1 << 20)
        return npy_refuse(err, s->path);
    struct str header = {0};
    str_add(&header, p + fixed, n);
    int rc = header.failed
                 ? moe_fail(err, MOE_ENOMEM, "%s: out of memory", s->path)
                 : npy_parse(err, s, header.s);
    str_free(&header);
    s->data = p + fixed + n;
    uint64_t bytes = s->map.size - fixed - n;
    if (!rc && s->tokens != bytes / (unsigned)s->width)
        rc = moe_fail(err, MOE_EFORMAT,
                      "%s: NumPy header says %llu ids, the file holds %llu",
                      s->path, (unsigned long long)s->tokens,
                      (unsigned long long)bytes / (unsigned)s->width);
    return rc;
}

int
shard_open(struct moe_err *err, struct shard *s, const char *path, int64_t V,
           int width)
{
    *s = (struct shard){.V = V};
    int rc = fs_map_open(err, &s->map, path);
    if (rc)
        return rc;
    s->path = str_copy(path);
    if (!s->path)
        rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    else if (s->map.size >= 6 && memcmp(s->map.data, "\x93NUMPY", 6) == 0)
        rc = npy_open(err, s);
    else {
        s->width = width ? width : width_by_name(path, V);
        s->data = s->map.data;
        s->tokens = s->map.size / (unsigned)s->width;
        if (s->map.size % (unsigned)s->width)
            rc = moe_fail(err, MOE_EFORMAT,
                          "%s: %zu bytes, want a multiple of %d", path,
                          s->map.size, s->width);
    }
    if (rc)
        shard_close(s);
    return rc;
}

void
shard_close(struct shard *s)
{
    fs_map_close(&s->map);
    free(s->path);
    free(s->document);
    *s = (struct shard){0};
}

int
shard_read(struct moe_err *err, const struct shard *s, uint64_t start, size_t n,
           int32_t *out)
{
    if (start > s->tokens || n > s->tokens - start)
        return moe_fail(err, MOE_EINVAL,
                        "%s: tokens %llu to %llu asked for, the file has %llu",
                        s->path, (unsigned long long)start,
                        (unsigned long long)(start + n),
                        (unsigned long long)s->tokens);
    const unsigned char *p = s->data + start * (unsigned)s->width;
    for (size_t i = 0; i < n; i++, p += s->width) {
        uint32_t id = p[0] | (uint32_t)p[1] << 8;
        if (s->width == 4)
            id |= (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        if (id >= (uint64_t)s->V)
            return moe_fail(err, MOE_EFORMAT,
                            "%s: token %llu is %lu, want an id below %lld",
                            s->path, (unsigned long long)(start + i),
                            (unsigned long)id, (long long)s->V);
        out[i] = (int32_t)id;
    }
    return MOE_OK;
}

uint64_t
shard_windows(const struct shard *s, uint64_t T)
{
    return T ? s->tokens / T : 0;
}
