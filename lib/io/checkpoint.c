/*
 * checkpoint.c - the weights of a directory.
 */
#include "io/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/overlay.h"

static const char SINGLE[] = "model.safetensors";
static const char INDEX[] = "model.safetensors.index.json";

/* More shards than any published checkpoint has. */
enum { FILE_LIMIT = 4096 };

static int
no_memory(struct moe_err *err, const char *what)
{
    return moe_fail(err, MOE_ENOMEM, "%s: out of memory", what);
}

static int
open_file(struct moe_err *err, struct checkpoint *c, const char *name)
{
    char *path = str_path(c->dir, name);
    int rc = path ? safetensors_open(err, &c->file[c->files], path)
                  : no_memory(err, c->dir);
    if (!rc)
        c->files++;
    free(path);
    return rc;
}

/* A shard stands beside its index: a name with a slash is refused. */
static int
check_shard_name(struct moe_err *err, const char *index, const char *tensor,
                 const char *name)
{
    if (name && *name && !strchr(name, '/') && strcmp(name, ".") != 0 &&
        strcmp(name, "..") != 0)
        return MOE_OK;
    return moe_fail(err, MOE_EFORMAT,
                    "%s: weight_map: '%s' has shard '%s', want a file name",
                    index, tensor, name ? name : "(not a string)");
}

/* The shards as keys of an object, numbered in order of appearance. */
static int
collect_shards(struct moe_err *err, json_t **out, const char *index,
               const json_t *map)
{
    const char *tensor;
    json_t *value;
    if (!json_is_object(map) || json_object_size(map) == 0)
        return moe_fail(err, MOE_EFORMAT,
                        "%s: weight_map is not an object of tensors", index);
    if (!(*out = json_object()))
        return no_memory(err, index);
    json_object_foreach((json_t *)(uintptr_t)map, tensor, value)
    {
        const char *name = json_string_value(value);
        json_int_t n = (json_int_t)json_object_size(*out);
        int rc = check_shard_name(err, index, tensor, name);
        if (!rc && !json_object_get(*out, name) &&
            json_object_set_new(*out, name, json_integer(n)) != 0)
            rc = no_memory(err, index);
        if (rc)
            return rc;
    }
    if (json_object_size(*out) > FILE_LIMIT)
        return moe_fail(err, MOE_EFORMAT, "%s: %zu shards, at most %d allowed",
                        index, json_object_size(*out), FILE_LIMIT);
    return MOE_OK;
}

/* Every tensor of a shard is where the index says. */
static int
check_shard(struct moe_err *err, const struct safetensors *st,
            const char *index, const char *shard, const json_t *map)
{
    for (size_t i = 0; i < st->n; i++) {
        const char *name = st->tensor[i].name;
        const char *want = json_string_value(json_object_get(map, name));
        if (!want)
            return moe_fail(err, MOE_EFORMAT,
                            "%s: tensor '%s' is not in the index", st->path,
                            name);
        if (strcmp(want, shard) != 0)
            return moe_fail(err, MOE_EFORMAT,
                            "%s: tensor '%s' is in '%s' too: the index puts "
                            "it in '%s'",
                            index, name, shard, want);
    }
    return MOE_OK;
}

/* Every tensor of the index is in its shard. */
static int
check_promises(struct moe_err *err, const struct checkpoint *c,
               const char *index, const json_t *shards, const json_t *map)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)map, name, value)
    {
        const char *shard = json_string_value(value);
        json_int_t f = json_integer_value(json_object_get(shards, shard));
        if (!safetensors_find(&c->file[f], name))
            return moe_fail(err, MOE_EFORMAT, "%s: tensor '%s' is not in '%s'",
                            index, name, shard);
    }
    return MOE_OK;
}

static int
open_shards(struct moe_err *err, struct checkpoint *c, const char *index,
            const json_t *map)
{
    json_t *shards = NULL, *unused;
    const char *name;
    int rc = collect_shards(err, &shards, index, map);
    if (!rc && !(c->file = mem_zero(json_object_size(shards), sizeof *c->file)))
        rc = no_memory(err, index);
    if (!rc) {
        json_object_foreach(shards, name, unused)
        {
            rc = open_file(err, c, name);
            if (!rc)
                rc = check_shard(err, &c->file[c->files - 1], index, name, map);
            if (rc)
                break;
        }
    }
    if (!rc)
        rc = check_promises(err, c, index, shards, map);
    json_decref(shards);
    return rc;
}

static int
open_index(struct moe_err *err, struct checkpoint *c, const char *index)
{
    json_t *root;
    int rc = json_read(err, &root, index);
    if (rc)
        return rc;
    rc = open_shards(err, c, index, json_object_get(root, "weight_map"));
    json_decref(root);
    return rc;
}

static int
open_files(struct moe_err *err, struct checkpoint *c)
{
    char *single = str_path(c->dir, SINGLE), *index = str_path(c->dir, INDEX);
    int rc;
    if (!single || !index)
        rc = no_memory(err, c->dir);
    else if (fs_exists(single))
        rc = (c->file = mem_zero(1, sizeof *c->file))
                 ? open_file(err, c, SINGLE)
                 : no_memory(err, c->dir);
    else if (fs_exists(index))
        rc = open_index(err, c, index);
    else
        rc = moe_fail(err, MOE_EINPUT, "%s: neither %s nor %s is there", c->dir,
                      SINGLE, INDEX);
    free(single);
    free(index);
    return rc;
}

static int
compare_names(const void *a, const void *b)
{
    const struct ck_tensor *s = a, *t = b;
    return strcmp(s->st->name, t->st->name);
}

/* One list over all files.  Names differ: the index has each once. */
static int
list_tensors(struct moe_err *err, struct checkpoint *c)
{
    size_t n = 0;
    for (size_t f = 0; f < c->files; f++)
        n += c->file[f].n;
    c->tensor = mem_zero(n, sizeof *c->tensor);
    if (!c->tensor)
        return no_memory(err, c->dir);
    for (size_t f = 0; f < c->files; f++)
        for (size_t i = 0; i < c->file[f].n; i++)
            c->tensor[c->n++] =
                (struct ck_tensor){&c->file[f].tensor[i], f, false};
    qsort(c->tensor, c->n, sizeof *c->tensor, compare_names);
    return MOE_OK;
}

int
checkpoint_open(struct moe_err *err, struct checkpoint **out, const char *dir)
{
    *out = NULL;
    if (overlay_is(dir))
        return overlay_open(err, out, dir);
    struct checkpoint *c = mem_zero(1, sizeof *c);
    if (!c || !(c->dir = str_copy(dir))) {
        free(c);
        return no_memory(err, dir);
    }
    int rc = open_files(err, c);
    if (!rc)
        rc = list_tensors(err, c);
    if (rc)
        checkpoint_close(&c);
    *out = c;
    return rc;
}

void
checkpoint_close(struct checkpoint **cp)
{
    struct checkpoint *c = *cp;
    *cp = NULL;
    if (!c)
        return;
    for (size_t f = 0; f < c->files; f++)
        safetensors_close(&c->file[f]);
    free(c->file);
    free(c->tensor);
    free(c->dir);
    free(c);
}

void
checkpoint_forget(const struct checkpoint *c)
{
    for (size_t f = 0; f < c->files; f++)
        fs_map_forget(&c->file[f].map);
}

struct ck_tensor *
checkpoint_find(const struct checkpoint *c, const char *name)
{
    struct st_tensor st = {.name = name};
    struct ck_tensor key = {.st = &st};
    if (!c->n)
        return NULL;
    return bsearch(&key, c->tensor, c->n, sizeof key, compare_names);
}

uint64_t
checkpoint_bytes(const struct checkpoint *c)
{
    uint64_t n = 0;
    for (size_t i = 0; i < c->n; i++)
        n += c->tensor[i].st->end - c->tensor[i].st->begin;
    return n;
}
