/*
 * prefix.c - the residual stream of windows on disk.
 */
#include "config.h"

#include "train/prefix.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"

#define ENDING ".stream"
enum { MARK = 16 }; // digits of the identity before a window's own

struct prefix {
    struct prefix_options opt;
    char *dir;
    char identity[HASH_HEX];
    char name[MARK + HASH_HEX + sizeof ENDING]; // of the last window
    struct prefix_counts counts;
    bool failed; // nothing more is written
};

/* ---- Open ----------------------------------------------------------------
 */

/* Count what is there, without what an own directory has of another model. */
static int
take_stock(struct moe_err *err, struct prefix *p)
{
    char **names;
    size_t n;
    int rc = fs_list(err, &names, &n, p->dir, ENDING);
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < n; i++) {
        struct stat st;
        char *path = str_path(p->dir, names[i]);
        if (!path)
            rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", p->dir);
        else if (p->opt.own && strncmp(names[i], p->identity, MARK) != 0)
            unlink(path);
        else if (stat(path, &st) == 0)
            p->counts.bytes += (uint64_t)st.st_size;
        free(path);
    }
    fs_list_free(names, n);
    return rc;
}

static int
create(struct moe_err *err, struct prefix *p)
{
    struct hash h;
    hash_begin(&h);
    hash_add_text(&h, p->opt.identity);
    hash_end(&h, p->identity);
    p->dir = str_copy(p->opt.dir);
    int rc = p->dir ? fs_mkdirs(err, p->dir, 0777)
                    : moe_fail(err, MOE_ENOMEM, "cache: out of memory");
    if (!rc && p->opt.own)
        rc = fs_sweep(err, p->dir);
    return rc ? rc : take_stock(err, p);
}

int
prefix_open(struct moe_err *err, struct prefix **out,
            const struct prefix_options *opt)
{
    struct prefix *p = mem_zero(1, sizeof *p);
    *out = NULL;
    if (!p)
        return moe_fail(err, MOE_ENOMEM, "cache: out of memory");
    p->opt = *opt;
    int rc = create(err, p);
    if (rc)
        prefix_close(&p);
    *out = p;
    return rc;
}

void
prefix_close(struct prefix **pp)
{
    struct prefix *p = *pp;
    *pp = NULL;
    if (!p)
        return;
    free(p->dir);
    free(p);
}

/* ---- Windows --------------------------------------------------------------
 */

static uint64_t
stream_bytes(const struct prefix *p, int64_t T)
{
    return (uint64_t)(T * p->opt.D) * sizeof(float);
}

static uint64_t
file_bytes(const struct prefix *p, int64_t T)
{
    return stream_bytes(p, T) + HASH_HEX - 1;
}

/* The path of a window's file, for the caller to free; NULL without memory. */
static char *
find(struct prefix *p, const int32_t *ids, int64_t T)
{
    char key[HASH_HEX];
    struct hash h;
    hash_begin(&h);
    hash_add_text(&h, p->identity);
    hash_add(&h, ids, (size_t)T * sizeof *ids);
    hash_end(&h, key);
    snprintf(p->name, sizeof p->name, "%.*s-%s" ENDING, (int)MARK, p->identity,
             key);
    return str_path(p->dir, p->name);
}

/* What stands behind the numbers in the file named last. */
static void
seal(const struct prefix *p, char hex[HASH_HEX], const void *x, uint64_t bytes)
{
    struct hash h;
    hash_begin(&h);
    hash_add_text(&h, p->name);
    hash_add(&h, x, bytes);
    hash_end(&h, hex);
}

static void
warn(const struct prefix *p, const char *path, const char *words)
{
    char *line = str_format("%s: %s", path, words);
    if (line && p->opt.warn)
        p->opt.warn(p->opt.warn_arg, line);
    free(line);
}

bool
prefix_has(struct prefix *p, const int32_t *ids, int64_t T)
{
    char *path = find(p, ids, T);
    const bool has = path && fs_exists(path);
    free(path);
    return has;
}

/* Whether a file is whole; then its numbers are in x. */
static bool
take(const struct prefix *p, const struct fs_map *map, int64_t T, float *x)
{
    const uint64_t bytes = stream_bytes(p, T);
    char hex[HASH_HEX];
    if (map->size != file_bytes(p, T))
        return false;
    seal(p, hex, map->data, bytes);
    if (memcmp(map->data + bytes, hex, HASH_HEX - 1) != 0)
        return false;
    memcpy(x, map->data, bytes);
    return true;
}

bool
prefix_read(struct prefix *p, const int32_t *ids, int64_t T, float *x)
{
    struct fs_map map;
    struct moe_err why = {0};
    char *path = find(p, ids, T);
    bool good = path && fs_map_open(&why, &map, path) == MOE_OK;
    if (good) {
        good = take(p, &map, T, x);
        if (!good) {
            warn(p, path, "damaged, its window is computed anew");
            unlink(path);
            p->counts.bytes -=
                map.size < p->counts.bytes ? map.size : p->counts.bytes;
        }
        fs_map_close(&map);
    }
    p->counts.read += good;
    free(path);
    return good;
}

static bool
all_finite(const float *x, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

static int
write_file(struct moe_err *err, const struct prefix *p, const char *path,
           const float *x, uint64_t bytes)
{
    struct fs_writer w = {0};
    char hex[HASH_HEX];
    seal(p, hex, x, bytes);
    int rc = fs_create(err, &w, path);
    if (!rc)
        rc = fs_put(err, &w, x, bytes);
    if (!rc)
        rc = fs_put(err, &w, hex, HASH_HEX - 1);
    if (!rc)
        rc = fs_commit(err, &w);
    if (rc)
        fs_abort(&w);
    return rc;
}

void
prefix_write(struct prefix *p, const int32_t *ids, int64_t T, const float *x)
{
    const uint64_t bytes = stream_bytes(p, T), whole = file_bytes(p, T);
    struct moe_err why = {0};
    /* A run that diverges says where, with the layers below too. */
    if (p->failed || !all_finite(x, bytes / sizeof *x))
        return;
    char *path = find(p, ids, T);
    if (!path || fs_exists(path)) {
        free(path);
        return;
    }
    if (p->counts.bytes + whole > p->opt.bytes) {
        p->counts.left_out++;
    } else if (write_file(&why, p, path, x, bytes)) {
        p->failed = true;
        warn(p, path, why.text);
    } else {
        p->counts.bytes += whole;
        p->counts.written++;
    }
    free(path);
}

struct prefix_counts
prefix_counts(const struct prefix *p)
{
    return p->counts;
}
