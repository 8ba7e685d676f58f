/*
 * overlay.c - tensors of an adapter over those of its base.
 */
#include "config.h"

#include "io/overlay.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

bool
overlay_is(const char *dir)
{
    char *meta = str_path(dir, OVERLAY_META);
    const bool is = meta && fs_exists(meta);
    free(meta);
    return is;
}

int
overlay_base(struct moe_err *err, char **out, const char *dir)
{
    json_t *root = NULL;
    char *meta = str_path(dir, OVERLAY_META);
    int rc = meta ? json_read(err, &root, meta)
                  : moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
    *out = NULL;
    if (!rc) {
        const char *base = json_string_value(json_object_get(root, "base"));
        if (!base || !*base)
            rc = moe_fail(err, MOE_EFORMAT, "%s: base: want a directory", meta);
        else if (!(*out = str_path(dir, base)))
            rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
        else if (!fs_is_dir(*out))
            rc = moe_fail(err, MOE_EINPUT, "%s: base: no directory %s", meta,
                          *out);
        else if (overlay_is(*out))
            rc = moe_fail(err, MOE_EFORMAT,
                          "%s: base: %s is an adapter itself, merge it first",
                          meta, *out);
    }
    json_decref(root);
    free(meta);
    if (rc) {
        free(*out);
        *out = NULL;
    }
    return rc;
}

static int
replace(struct moe_err *err, struct checkpoint *c, const struct st_tensor *t,
        size_t file)
{
    const char *path = c->file[file].path;
    struct ck_tensor *old = checkpoint_find(c, t->name);
    if (!old)
        return moe_fail(err, MOE_EFORMAT,
                        "%s: tensor '%s' is not in the base %s", path, t->name,
                        c->dir);
    if (t->rank != old->st->rank ||
        memcmp(t->dim, old->st->dim, sizeof t->dim) != 0 ||
        strcmp(t->type, old->st->type) != 0) {
        char found[TENSOR_SHAPE_TEXT], want[TENSOR_SHAPE_TEXT];
        return moe_fail(err, MOE_EFORMAT,
                        "%s: tensor '%s': found %s %s, the base has %s %s",
                        path, t->name, t->type,
                        tensor_print(found, t->rank, t->dim), old->st->type,
                        tensor_print(want, old->st->rank, old->st->dim));
    }
    old->st = t;
    old->file = file;
    return MOE_OK;
}

static int
add_file(struct moe_err *err, struct checkpoint *c, const char *dir)
{
    char *path = str_path(dir, OVERLAY_FILE);
    struct safetensors *grown =
        path ? realloc(c->file, (c->files + 1) * sizeof *grown) : NULL;
    int rc = MOE_OK;
    if (grown)
        c->file = grown;
    else
        rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
    if (!rc)
        rc = safetensors_open(err, &c->file[c->files], path);
    if (!rc)
        c->files++;
    free(path);
    return rc;
}

int
overlay_open(struct moe_err *err, struct checkpoint **out, const char *dir)
{
    char *base;
    *out = NULL;
    int rc = overlay_base(err, &base, dir);
    if (!rc)
        rc = checkpoint_open(err, out, base);
    free(base);
    if (!rc)
        rc = add_file(err, *out, dir);
    for (size_t i = 0; !rc && i < (*out)->file[(*out)->files - 1].n; i++)
        rc = replace(err, *out, &(*out)->file[(*out)->files - 1].tensor[i],
                     (*out)->files - 1);
    if (rc)
        checkpoint_close(out);
    return rc;
}
