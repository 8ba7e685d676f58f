/*
 * native_read.c - a checkpoint of the trainer, read in place.
 */
#include "config.h"

#include "model/native.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/safetensors.h"

struct native {
    struct moe_config config;
    struct safetensors file;
    bool open;
    const struct st_tensor **tensor; // (L, NATIVE_KINDS); others in layer 0
};

bool
native_is(const char *dir)
{
    char *yaml = str_path(dir, "config.yaml");
    char *json = str_path(dir, "config.json");
    const bool is = yaml && json && fs_exists(yaml) && !fs_exists(json);
    free(yaml);
    free(json);
    return is;
}

static int
check(struct moe_err *err, const struct native *n, const struct st_tensor *t,
      const char *name, enum native_kind kind)
{
    char found[TENSOR_SHAPE_TEXT], want[TENSOR_SHAPE_TEXT];
    const struct tensor shape = native_shape(kind, &n->config);
    bool same = t->rank == shape.rank;
    for (int i = 0; same && i < shape.rank; i++)
        same = t->dim[i] == shape.dim[i];
    if (!same)
        return moe_fail(err, MOE_ESHAPE, "%s: tensor '%s': found %s, want %s",
                        n->file.path, name,
                        tensor_print(found, t->rank, t->dim),
                        tensor_print(want, shape.rank, shape.dim));
    if (t->dtype == DTYPE_F32 || t->dtype == DTYPE_BF16 ||
        t->dtype == DTYPE_F16)
        return MOE_OK;
    return moe_fail(err, MOE_EFORMAT,
                    "%s: tensor '%s': found %s, want F32, BF16 or F16",
                    n->file.path, name, t->type);
}

/* One tensor by its plain or its encoded name. */
static int
find(struct moe_err *err, struct native *n, enum native_kind kind, int layer,
     size_t *found)
{
    char name[NATIVE_NAME_BYTES], coded[NATIVE_NAME_BYTES];
    native_name(name, kind, layer, false);
    native_name(coded, kind, layer, true);
    const struct st_tensor *t = safetensors_find(&n->file, coded);
    if (!t)
        t = safetensors_find(&n->file, name);
    if (!t)
        return moe_fail(err, MOE_EFORMAT, "%s: tensor missing: %s",
                        n->file.path, name);
    n->tensor[layer * NATIVE_KINDS + (int)kind] = t;
    (*found)++;
    return check(err, n, t, name, kind);
}

static int
find_all(struct moe_err *err, struct native *n)
{
    size_t found = 0;
    int rc = MOE_OK;
    for (int l = 0; !rc && l < n->config.L; l++)
        for (int k = 0; !rc && k < NATIVE_KINDS; k++) {
            const bool head = k == NATIVE_FF_OUT && n->config.tie_embeddings;
            if (!head && (native_of_layer(k) || l == 0))
                rc = find(err, n, k, l, &found);
        }
    if (!rc && found != n->file.n)
        rc = moe_fail(err, MOE_EFORMAT,
                      "%s: %zu tensors, want %zu of an OLMoE model",
                      n->file.path, n->file.n, found);
    return rc;
}

static int
open_files(struct moe_err *err, struct native *n, const char *dir, int64_t eos)
{
    char *yaml = str_path(dir, "config.yaml");
    char *path = str_path(dir, "model.safetensors");
    int rc = yaml && path ? native_config_read(err, &n->config, yaml, eos)
                          : moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
    if (!rc)
        rc = safetensors_open(err, &n->file, path);
    n->open = !rc;
    if (!rc) {
        n->tensor = mem_zero((size_t)(n->config.L * NATIVE_KINDS),
                             sizeof(struct st_tensor *));
        rc = n->tensor ? find_all(err, n)
                       : moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
    }
    free(yaml);
    free(path);
    return rc;
}

int
native_open(struct moe_err *err, struct native **out, const char *dir,
            int64_t eos)
{
    struct native *n = mem_zero(1, sizeof *n);
    *out = NULL;
    if (!n)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
    int rc = open_files(err, n, dir, eos);
    if (rc)
        native_close(&n);
    *out = n;
    return rc;
}

void
native_close(struct native **np)
{
    struct native *n = *np;
    *np = NULL;
    if (!n)
        return;
    if (n->open)
        safetensors_close(&n->file);
    moe_config_free(&n->config);
    free(n->tensor);
    free(n);
}

const struct moe_config *
native_config(const struct native *n)
{
    return &n->config;
}

enum dtype
native_dtype(const struct native *n)
{
    return (enum dtype)n->tensor[NATIVE_WTE]->dtype;
}

int
native_read(struct moe_err *err, void *arg, const struct param *p, uint64_t at,
            float *out, size_t n)
{
    const struct native *from = arg;
    const struct moe_config *c = &from->config;
    const struct native_place place = native_place(p, c);
    const int layer = native_of_layer(place.kind) ? p->layer : 0;
    const struct st_tensor *t =
        from->tensor[layer * NATIVE_KINDS + (int)place.kind];
    const enum dtype type = (enum dtype)t->dtype;
    const size_t width = dtype_bytes(type);
    const unsigned char *data = t->data + place.at * width;
    const uint64_t D = (uint64_t)c->D, F = (uint64_t)c->F;
    (void)err;
    if (!place.transposed) {
        dtype_widen(out, data + at * width, type, n);
        return MOE_OK;
    }
    for (size_t i = 0; i < n; i++) { // (D,F) from (F,D)
        const uint64_t d = (at + i) / F, f = (at + i) % F;
        dtype_widen(out + i, data + (f * D + d) * width, type, 1);
    }
    return MOE_OK;
}
