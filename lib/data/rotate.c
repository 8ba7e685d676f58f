/*
 * rotate.c - lines into a series of files: a new file after every so many.
 */
#include "config.h"

#include "data/rotate.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"

void
rotate_begin(struct rotate *r, const char *dir, const char *stem,
             uint64_t every, bool first_bare)
{
    *r = (struct rotate){.dir = dir,
                         .stem = stem,
                         .every = every,
                         .first_bare = first_bare || !every};
}

static int
no_memory(struct moe_err *err, const struct rotate *r)
{
    return moe_fail(err, MOE_ENOMEM, "%s/%s: out of memory", r->dir, r->stem);
}

static int
begin_file(struct moe_err *err, struct rotate *r)
{
    struct rotate_file *grown =
        mem_grow(r->file, &r->cap, r->files + 1, sizeof *grown);
    if (!grown)
        return no_memory(err, r);
    r->file = grown;
    char *name = r->first_bare && !r->files
                     ? str_format("%s.jsonl", r->stem)
                     : str_format("%s_%zu.jsonl", r->stem, r->files + 1);
    char *path = name ? str_path(r->dir, name) : NULL;
    if (!path) {
        free(name);
        return no_memory(err, r);
    }
    r->file[r->files++] = (struct rotate_file){.name = name};
    hash_begin(&r->hash);
    int rc = fs_create(err, &r->w, path);
    r->open = rc == MOE_OK;
    free(path);
    return rc;
}

int
rotate_add(struct moe_err *err, struct rotate *r, const char *line, size_t n)
{
    int rc = MOE_OK;
    if (r->open && r->every && r->file[r->files - 1].lines == r->every)
        rc = rotate_finish(err, r);
    if (!rc && !r->open)
        rc = begin_file(err, r);
    if (!rc)
        rc = fs_put(err, &r->w, line, n);
    if (!rc)
        rc = fs_put(err, &r->w, "\n", 1);
    if (rc)
        return rc;
    struct rotate_file *f = &r->file[r->files - 1];
    hash_add(&r->hash, line, n);
    hash_add(&r->hash, "\n", 1);
    f->lines++;
    f->bytes += n + 1;
    return MOE_OK;
}

int
rotate_finish(struct moe_err *err, struct rotate *r)
{
    if (!r->open)
        return MOE_OK;
    r->open = false;
    hash_end(&r->hash, r->file[r->files - 1].sha256);
    return fs_commit(err, &r->w);
}

uint64_t
rotate_lines(const struct rotate *r)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < r->files; i++)
        lines += r->file[i].lines;
    return lines;
}

void
rotate_free(struct rotate *r)
{
    fs_abort(&r->w);
    for (size_t i = 0; i < r->files; i++)
        free(r->file[i].name);
    free(r->file);
    *r = (struct rotate){0};
}
