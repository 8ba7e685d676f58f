/*
 * sources.c - the OpenCL C of a program: embedded, or from POLYMOE_KERNEL_DIR.
 *
 * The directory replaces the embedded text file by file, so that a kernel can
 * be changed without building.  Each text starts with a #line, so that the
 * compiler's messages name the file.
 */
#include "config.h"

#include "device/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"

struct kernel_source {
    const char *name; // of the file, without .cl
    const char *text;
    int plain; // part of the plain program
};

#include "cl/kernels.inc"

enum { SOURCE_BYTES = 1 << 24 };

static int
add_text(struct moe_err *err, struct sources *out, const char *name,
         const char *text)
{
    char **v = mem_grow(out->text, &out->cap, out->n + 1, sizeof *v);
    if (v)
        out->text = v;
    char *full = v ? str_format("#line 1 \"cl/%s.cl\"\n%s", name, text) : NULL;
    if (!full)
        return moe_fail(err, MOE_ENOMEM, "cl/%s.cl: out of memory", name);
    out->text[out->n++] = full;
    return MOE_OK;
}

/* The file of the directory if it has one, else the embedded text. */
static int
add_source(struct moe_err *err, struct sources *out, const char *name,
           const char *embedded)
{
    const char *dir = getenv("POLYMOE_KERNEL_DIR");
    char *text = NULL;
    size_t n;
    if (dir && *dir) {
        char *path = str_format("%s/%s.cl", dir, name);
        int rc =
            !path ? moe_fail(err, MOE_ENOMEM, "cl/%s.cl: out of memory", name)
            : fs_exists(path) ? fs_read(err, &text, &n, path, SOURCE_BYTES)
                              : MOE_OK;
        free(path);
        if (rc)
            return rc;
    }
    if (!text && !embedded)
        return moe_fail(err, MOE_EBUILD, "cl/%s.cl: no such program", name);
    int rc = add_text(err, out, name, text ? text : embedded);
    free(text);
    return rc;
}

static const struct kernel_source *
find_embedded(const char *name)
{
    for (size_t i = 0; i < sizeof kernel_sources / sizeof *kernel_sources; i++)
        if (strcmp(kernel_sources[i].name, name) == 0)
            return &kernel_sources[i];
    return NULL;
}

static int
load_plain(struct moe_err *err, struct sources *out)
{
    int rc = MOE_OK;
    for (size_t i = 0;
         !rc && i < sizeof kernel_sources / sizeof *kernel_sources; i++)
        if (kernel_sources[i].plain)
            rc = add_source(err, out, kernel_sources[i].name,
                            kernel_sources[i].text);
    return rc;
}

/* The prelude and the files of "NAME+NAME". */
static int
load_named(struct moe_err *err, struct sources *out, const char *name)
{
    char one[64];
    int rc =
        add_source(err, out, kernel_sources[0].name, kernel_sources[0].text);
    while (!rc && *name) {
        size_t n = strcspn(name, "+");
        snprintf(one, sizeof one, "%.*s", (int)n, name);
        const struct kernel_source *own = find_embedded(one);
        rc = add_source(err, out, one, own ? own->text : NULL);
        name += n + (name[n] == '+');
    }
    return rc;
}

int
sources_load(struct moe_err *err, struct sources *out, const char *name)
{
    *out = (struct sources){0};
    int rc = *name ? load_named(err, out, name) : load_plain(err, out);
    if (rc)
        sources_free(out);
    return rc;
}

int
kernels_hash(struct moe_err *err, char hex[HASH_HEX])
{
    struct sources all = {0};
    struct hash h;
    int rc = MOE_OK;
    for (size_t i = 0;
         !rc && i < sizeof kernel_sources / sizeof *kernel_sources; i++)
        rc = add_source(err, &all, kernel_sources[i].name,
                        kernel_sources[i].text);
    hash_begin(&h);
    for (size_t i = 0; i < all.n; i++)
        hash_add_text(&h, all.text[i]);
    hash_end(&h, hex);
    sources_free(&all);
    return rc;
}

void
sources_free(struct sources *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->text[i]);
    free(s->text);
    *s = (struct sources){0};
}
