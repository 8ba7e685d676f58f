/*
 * cache.c - compiled programs on disk.
 *
 * One file for each program, options and device.  It holds what it was made
 * from and a hash of its content, so a file that is cut, damaged, moved, or
 * older than the driver is found out and written again.  Files appear by
 * rename: many processes may build the same program at once, and one that is
 * killed leaves only a temporary file behind.
 *
 *     header (struct header)   magic, format, three keys, length, hash
 *     binary                   as the driver gave it; no bytes when the driver
 *                              does not take back its own binary
 *
 * PoCL is left alone unless POLYMOE_PROGRAM_CACHE=always: it keeps a cache of
 * its own, and asking it for a binary compiles every kernel once more (5 s for
 * 20 kernels, against 0.1 s that a later start would gain).
 */
#include "config.h"

#include "device/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/str.h"

enum { FORMAT = 1, BINARY_BYTES = 1 << 30, LEFTOVER_S = 3600 };

static const char magic[8] = "MOECLBIN";

struct header {
    char magic[8];
    uint32_t format;
    uint32_t zero;
    char place[HASH_HEX - 1];
    char source[HASH_HEX - 1];
    char driver[HASH_HEX - 1];
    char hash[HASH_HEX - 1]; // of the binary
    uint64_t length;         // of the binary
};

/* ---- Where -------------------------------------------------------------- */

/* The first that is set: option, variables, home directory; NULL: none. */
static char *
find_dir(const char *option)
{
    const char *own = getenv("POLYMOE_CACHE_DIR");
    const char *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    if (option && *option)
        return str_copy(option);
    if (own && *own)
        return str_copy(own);
    if (xdg && xdg[0] == '/') // a relative one is to be ignored
        return str_format("%s/polymoe", xdg);
    return home && *home ? str_format("%s/.cache/polymoe", home) : NULL;
}

void
cache_open(struct moe_ctx *ctx, const char *option)
{
    const char *mode = getenv("POLYMOE_PROGRAM_CACHE");
    if (mode && strcmp(mode, "never") == 0)
        return;
    if (strcmp(ctx->info.vendor_key, "pocl") == 0 &&
        !(mode && strcmp(mode, "always") == 0))
        return;
    char *dir = find_dir(option);
    ctx->cache_dir = dir ? str_format("%s/programs", dir) : NULL;
    free(dir);
}

static char *
file_path(const struct moe_ctx *ctx, const struct cache_key *key)
{
    return str_format("%s/%s.bin", ctx->cache_dir, key->place);
}

void
cache_key(struct moe_ctx *ctx, struct cache_key *out, const char *name,
          const char *options, const struct sources *sources)
{
    const struct device_info *info = &ctx->info;
    struct hash h;
    hash_begin(&h);
    hash_add_text(&h, name);
    hash_add_text(&h, options);
    hash_add_text(&h, info->name);
    hash_add_text(&h, info->platform);
    hash_end(&h, out->place);
    hash_begin(&h);
    for (size_t i = 0; i < sources->n; i++)
        hash_add_text(&h, sources->text[i]);
    hash_end(&h, out->source);
    hash_begin(&h);
    hash_add_text(&h, info->driver);
    hash_add_text(&h, info->platform_version);
    hash_end(&h, out->driver);
}

/* ---- Reading ------------------------------------------------------------ */

static bool
same(const char *field, const char *hex)
{
    return memcmp(field, hex, HASH_HEX - 1) == 0;
}

/* Why the file cannot be used; NULL: it can. */
static const char *
find_fault(const struct cache_key *key, const char *file, size_t n)
{
    struct header h;
    struct hash state;
    char hex[HASH_HEX];
    if (n < sizeof h)
        return "is cut short";
    memcpy(&h, file, sizeof h);
    if (memcmp(h.magic, magic, sizeof magic) != 0 || h.length != n - sizeof h)
        return "is damaged";
    if (h.format != FORMAT)
        return "has another format";
    if (!same(h.place, key->place))
        return "belongs to another program";
    if (!same(h.driver, key->driver))
        return "was made by another version of the driver";
    hash_begin(&state);
    hash_add(&state, file + sizeof h, n - sizeof h);
    hash_end(&state, hex);
    return same(h.hash, hex) ? NULL : "is damaged";
}

static bool
is_older_source(const struct cache_key *key, const char *file)
{
    struct header h;
    memcpy(&h, file, sizeof h);
    return !same(h.source, key->source);
}

enum cache_answer
cache_load(struct moe_ctx *ctx, const struct cache_key *key, char **out,
           size_t *n)
{
    enum cache_answer answer = CACHE_NOTHING;
    char *path = file_path(ctx, key), *file = NULL;
    size_t size;
    *out = NULL;
    *n = 0;
    if (path && fs_exists(path) &&
        fs_read(NULL, &file, &size, path, BINARY_BYTES) == MOE_OK) {
        const char *fault = find_fault(key, file, size);
        if (fault) {
            ctx_log(ctx, MOE_LOG_WARN, "%s: %s: the program is built again",
                    path, fault);
        } else if (!is_older_source(key, file)) {
            *n = size - sizeof(struct header);
            memmove(file, file + sizeof(struct header), *n);
            answer = *n ? CACHE_BINARY : CACHE_NONE_WORKS;
        }
    }
    if (answer == CACHE_BINARY)
        *out = file;
    else
        free(file);
    free(path);
    return answer;
}

/* ---- Writing ------------------------------------------------------------ */

/* Temporary files of processes that were killed, once they are old. */
static void
remove_leftovers(const char *dir)
{
    char **names;
    size_t n;
    struct stat st;
    if (fs_list(NULL, &names, &n, dir, "") != MOE_OK)
        return;
    for (size_t i = 0; i < n; i++) {
        char *path = strstr(names[i], ".tmp.") ? str_path(dir, names[i]) : NULL;
        if (path && stat(path, &st) == 0 &&
            time(NULL) - st.st_mtime > LEFTOVER_S)
            unlink(path);
        free(path);
    }
    fs_list_free(names, n);
}

static int
write_file(struct moe_err *err, const char *path, const struct header *h,
           const void *binary)
{
    struct fs_writer w = {0};
    int rc = fs_create(err, &w, path);
    if (!rc)
        rc = fs_put(err, &w, h, sizeof *h);
    if (!rc)
        rc = fs_put(err, &w, binary, (size_t)h->length);
    if (!rc)
        rc = fs_commit(err, &w);
    if (rc)
        fs_abort(&w);
    return rc;
}

void
cache_store(struct moe_ctx *ctx, const struct cache_key *key,
            const void *binary, size_t n)
{
    struct moe_err err = {0};
    struct header h = {.format = FORMAT, .length = n};
    struct hash state;
    char hex[HASH_HEX];
    char *path = file_path(ctx, key);
    if (!path || n > BINARY_BYTES - sizeof h) {
        free(path);
        return;
    }
    memcpy(h.magic, magic, sizeof magic);
    memcpy(h.place, key->place, sizeof h.place);
    memcpy(h.source, key->source, sizeof h.source);
    memcpy(h.driver, key->driver, sizeof h.driver);
    hash_begin(&state);
    hash_add(&state, binary, n);
    hash_end(&state, hex);
    memcpy(h.hash, hex, sizeof h.hash);
    int rc = fs_mkdirs(&err, ctx->cache_dir, 0700);
    if (!rc) {
        remove_leftovers(ctx->cache_dir);
        rc = write_file(&err, path, &h, binary);
    }
    if (rc) { // said once: the next program would fail the same way
        ctx_log(ctx, MOE_LOG_WARN, "compiled programs are not kept: %s",
                err.text);
        free(ctx->cache_dir);
        ctx->cache_dir = NULL;
    }
    free(path);
}
