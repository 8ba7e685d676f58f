/*
 * snapshot.c - a training run to disk and back.
 */
#include "config.h"

#include "train/snapshot_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/safetensors.h"
#include "model/family.h"
#include "model/names.h"

enum { CHUNK = 4 << 20, NAME_BYTES = NAMES_BYTES + 8 };

/* One tensor of a file and where it lies in the arena. */
struct item {
    char name[NAME_BYTES];
    struct tensor t;
};

struct items {
    struct item *item;
    size_t n;
};

enum file { WEIGHTS, MOMENTS, FILES };
static const char *const file_name[FILES] = {"weights.safetensors",
                                             "moments.safetensors"};

static void
add_item(struct items *list, const char *prefix, const char *name,
         const struct tensor *t)
{
    if (!t->buf)
        return;
    struct item *it = &list->item[list->n++];
    snprintf(it->name, sizeof it->name, "%s%s", prefix, name);
    it->t = *t;
}

/* What a file holds.  Moments lead with the trained ones only. */
static int
collect(struct moe_err *err, struct items *list, const struct arena *a,
        enum file f)
{
    const char *const *names = family_find(a->model->config.model_type)->names;
    list->n = 0;
    list->item = mem_zero(3 * a->params, sizeof *list->item);
    if (!list->item)
        return moe_fail(err, MOE_ENOMEM, "snapshot: out of memory");
    for (size_t i = 0; i < a->params; i++) {
        char name[NAMES_BYTES];
        const struct arena_param *q = &a->param[i];
        names_format(name, names, &q->p);
        if (f == WEIGHTS && q->g.buf)
            add_item(list, "", name, &q->w);
        if (f == MOMENTS) {
            add_item(list, "m.", name, &q->m);
            add_item(list, "v.", name, &q->v);
            add_item(list, "w.", name, &q->master);
        }
    }
    return MOE_OK;
}

/* ---- Save --------------------------------------------------------------- */

static int
put_tensor(struct moe_err *err, struct st_writer *w, size_t i,
           const struct tensor *t, void *chunk)
{
    size_t width = dtype_bytes(t->dtype);
    uint64_t bytes = tensor_count(t) * width;
    int rc = MOE_OK;
    for (uint64_t at = 0; !rc && at < bytes; at += CHUNK) {
        size_t n = bytes - at < CHUNK ? (size_t)(bytes - at) : CHUNK;
        rc = buffer_read(t->buf, t->offset * width + at, chunk, n);
        if (!rc)
            rc = safetensors_put(err, w, i, at, chunk, n);
    }
    return rc;
}

static int
write_items(struct moe_err *err, const char *path, const struct items *list)
{
    struct st_writer w;
    struct st_entry *entry = mem_zero(list->n, sizeof *entry);
    void *chunk = mem_zero(CHUNK, 1);
    int rc = entry && chunk
                 ? MOE_OK
                 : moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    for (size_t i = 0; !rc && i < list->n; i++) {
        const struct tensor *t = &list->item[i].t;
        entry[i] =
            (struct st_entry){list->item[i].name, t->dtype, t->rank, {0}, 0, 0};
        for (int d = 0; d < SAFETENSORS_RANK; d++)
            entry[i].dim[d] = d < t->rank ? t->dim[d] : 1;
    }
    if (!rc)
        rc = safetensors_create(err, &w, path, entry, list->n, NULL);
    if (!rc) {
        for (size_t i = 0; !rc && i < list->n; i++)
            rc = put_tensor(err, &w, i, &list->item[i].t, chunk);
        if (rc)
            safetensors_abort(&w);
        else
            rc = safetensors_commit(err, &w);
    }
    free(entry);
    free(chunk);
    return rc;
}

static int
write_state(struct moe_err *err, const char *dir, uint64_t step, json_t *files,
            const json_t *state)
{
    json_t *root = json_pack("{s:i, s:I, s:O, s:o}", "format", SNAPSHOT_FORMAT,
                             "step", (json_int_t)step, "files", files, "state",
                             json_deep_copy(state));
    int rc = snapshot_write_state(err, dir, root);
    json_decref(root);
    return rc;
}

static int
write_folder(struct moe_err *err, const char *dir, uint64_t step,
             const struct arena *a, const json_t *state)
{
    json_t *files = json_object();
    int rc = fs_mkdirs(err, dir, 0777);
    for (int f = 0; !rc && f < FILES; f++) {
        struct items list;
        char hex[HASH_HEX], *path = str_path(dir, file_name[f]);
        rc = collect(err, &list, a, (enum file)f);
        if (!rc && !path)
            rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
        if (!rc)
            rc = write_items(err, path, &list);
        if (!rc)
            rc = hash_file(err, hex, path);
        if (!rc && json_object_set_new(files, file_name[f], json_string(hex)))
            rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
        free(list.item);
        free(path);
    }
    if (!rc)
        rc = write_state(err, dir, step, files, state);
    json_decref(files);
    return rc ? rc : fs_sync_dir(err, dir);
}

static int
publish(struct moe_err *err, const char *parent, const char *hidden,
        const char *dir)
{
    if (rename(hidden, dir) < 0)
        return moe_fail(err, MOE_EIO, "%s: %s", dir, strerror(errno));
    return fs_sync_dir(err, parent);
}

/* A folder that is in the way, or that was not finished. */
static void
discard(const char *dir)
{
    if (fs_is_dir(dir))
        fs_remove_dir(NULL, dir);
}

int
snapshot_save(struct moe_err *err, const char *run_dir, uint64_t step,
              const struct arena *a, const json_t *state)
{
    char *parent = str_path(run_dir, "checkpoints");
    char *dir = snapshot_dir(run_dir, step);
    char *hidden = snapshot_hidden_dir(run_dir, step);
    int rc = MOE_OK;
    if (!parent || !dir || !hidden)
        rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", run_dir);
    if (!rc) {
        discard(hidden);
        rc = write_folder(err, hidden, step, a, state);
        /* A run that went back to an earlier snapshot comes by again. */
        if (!rc && fs_exists(dir))
            discard(dir);
        if (!rc)
            rc = publish(err, parent, hidden, dir);
        if (rc)
            discard(hidden);
    }
    free(parent);
    free(dir);
    free(hidden);
    return rc;
}

/* ---- Load --------------------------------------------------------------- */

static int
load_item(struct moe_err *err, const struct safetensors *st,
          const struct item *it)
{
    const struct st_tensor *t;
    char got[TENSOR_SHAPE_TEXT], want[TENSOR_SHAPE_TEXT];
    int rc = safetensors_get(err, &t, st, it->name, it->t.dtype, it->t.rank);
    if (rc)
        return rc;
    for (int d = 0; d < it->t.rank; d++)
        if (t->dim[d] != it->t.dim[d])
            return moe_fail(err, MOE_EFORMAT,
                            "%s: tensor '%s' has shape %s, want %s", st->path,
                            it->name, tensor_print(got, t->rank, t->dim),
                            tensor_print(want, it->t.rank, it->t.dim));
    return buffer_write(it->t.buf, it->t.offset * dtype_bytes(it->t.dtype),
                        t->data, t->end - t->begin);
}

static int
load_file(struct moe_err *err, const char *dir, const struct arena *a,
          enum file f)
{
    struct items list;
    struct safetensors st;
    char *path = str_path(dir, file_name[f]);
    int rc = collect(err, &list, a, f);
    if (!rc && !path)
        rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
    if (!rc && !(rc = safetensors_open(err, &st, path))) {
        if (st.n != list.n)
            rc = moe_fail(err, MOE_EFORMAT,
                          "%s: %zu tensors, this run trains %zu", path, st.n,
                          list.n);
        for (size_t i = 0; !rc && i < list.n; i++)
            rc = load_item(err, &st, &list.item[i]);
        safetensors_close(&st);
    }
    free(list.item);
    free(path);
    return rc;
}

static int
load_state(struct moe_err *err, const char *dir, json_t **state)
{
    json_t *root;
    int rc = snapshot_read_state(err, dir, &root);
    *state = json_incref(json_object_get(root, "state"));
    json_decref(root);
    if (!rc && !json_is_object(*state))
        rc = moe_fail(err, MOE_EFORMAT, "%s/state.json: no 'state'", dir);
    return rc;
}

int
snapshot_load(struct moe_err *err, const char *dir, const struct arena *a,
              json_t **state)
{
    *state = NULL;
    int rc = snapshot_verify(err, dir);
    for (int f = 0; !rc && f < FILES; f++)
        rc = load_file(err, dir, a, (enum file)f);
    return rc ? rc : load_state(err, dir, state);
}
