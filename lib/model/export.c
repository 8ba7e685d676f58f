/*
 * export.c - a model written as a Hugging Face directory.
 */
#include "model/export.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/safetensors.h"
#include "model/family.h"
#include "model/names.h"

/* All parameters with their file entries; shard k holds entries
 * [first[k], first[k + 1]). */
struct plan {
    struct param *param;
    struct st_entry *entry;
    char (*name)[NAMES_BYTES];
    size_t *first;
    size_t n, shards;
    uint64_t bytes;
};

static void
plan_free(struct plan *p)
{
    free(p->param);
    free(p->entry);
    free(p->name);
    free(p->first);
    *p = (struct plan){0};
}

static void
plan_entry(struct plan *p, size_t i, const struct moe_config *config,
           const char *const *names, enum dtype dtype)
{
    struct tensor shape = param_shape(p->param[i].kind, config);
    struct st_entry *e = &p->entry[i];
    *e = (struct st_entry){.dtype = dtype, .rank = shape.rank};
    e->name = names_format(p->name[i], names, &p->param[i]);
    for (int d = 0; d < SAFETENSORS_RANK; d++)
        e->dim[d] = d < shape.rank ? shape.dim[d] : 1;
}

static int
plan_make(struct moe_err *err, struct plan *p, const struct moe_config *config,
          const struct export_options *opt)
{
    *p = (struct plan){0};
    int rc = params_list(err, &p->param, &p->n, config);
    if (rc)
        return rc;
    p->entry = mem_zero(p->n, sizeof *p->entry);
    p->name = mem_zero(p->n, sizeof *p->name);
    p->first = mem_zero(p->n + 1, sizeof *p->first);
    if (!p->entry || !p->name || !p->first) {
        plan_free(p);
        return moe_fail(err, MOE_ENOMEM, "export: out of memory");
    }
    const char *const *names = family_find(config->model_type)->names;
    uint64_t in_shard = 0;
    p->shards = 1;
    for (size_t i = 0; i < p->n; i++) {
        const enum dtype type =
            opt->type ? opt->type(opt->arg, &p->param[i]) : opt->dtype;
        plan_entry(p, i, config, names, type);
        uint64_t bytes =
            param_elements(p->param[i].kind, config) * dtype_bytes(type);
        if (opt->shard_bytes && in_shard &&
            in_shard + bytes > opt->shard_bytes) {
            p->first[p->shards++] = i;
            in_shard = 0;
        }
        in_shard += bytes;
        p->bytes += bytes;
    }
    p->first[p->shards] = p->n;
    return MOE_OK;
}

int
export_param(struct moe_err *err, struct st_writer *w, size_t i,
             const struct param *p, uint64_t elements, enum dtype type,
             export_read_fn *read, void *arg, float *x, void *y)
{
    size_t width = dtype_bytes(type);
    int rc = MOE_OK;
    for (uint64_t at = 0; !rc && at < elements; at += EXPORT_CHUNK) {
        size_t n = elements - at < EXPORT_CHUNK ? (size_t)(elements - at)
                                                : EXPORT_CHUNK;
        rc = read(err, arg, p, at, x, n);
        if (rc)
            break;
        dtype_narrow(y, x, type, n);
        rc = safetensors_put(err, w, i, at * width, y, n * width);
    }
    return rc;
}

static char *
shard_path(const char *dir, size_t k, size_t shards)
{
    if (shards == 1)
        return str_path(dir, "model.safetensors");
    return str_format("%s/model-%05zu-of-%05zu.safetensors", dir, k + 1,
                      shards);
}

static int
write_shard(struct moe_err *err, const char *dir, const struct plan *p,
            size_t k, const struct moe_config *config,
            const struct export_options *opt, float *x, void *y)
{
    struct st_writer w;
    char *path = shard_path(dir, k, p->shards);
    if (!path)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
    size_t first = p->first[k], n = p->first[k + 1] - first;
    int rc = safetensors_create(err, &w, path, p->entry + first, n, NULL);
    free(path);
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < n; i++) {
        const struct param *q = &p->param[first + i];
        rc = export_param(err, &w, i, q, param_elements(q->kind, config),
                          p->entry[first + i].dtype, opt->read, opt->arg, x, y);
    }
    if (!rc)
        return safetensors_commit(err, &w);
    safetensors_abort(&w);
    return rc;
}

/* model.safetensors.index.json of several shards. */
static int
write_index(struct moe_err *err, const char *dir, const struct plan *p)
{
    json_t *map = json_object();
    for (size_t k = 0; k < p->shards; k++) {
        char *path = shard_path(dir, k, p->shards);
        const char *file = path ? strrchr(path, '/') + 1 : "";
        for (size_t i = p->first[k]; i < p->first[k + 1]; i++)
            json_object_set_new(map, p->name[i], json_string(file));
        free(path);
    }
    json_t *root = json_pack("{s:{s:I}, s:o}", "metadata", "total_size",
                             (json_int_t)p->bytes, "weight_map", map);
    char *path = str_path(dir, "model.safetensors.index.json");
    int rc = root && path && json_object_size(map) == p->n
                 ? json_write(err, root, path)
                 : moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
    json_decref(root);
    free(path);
    return rc;
}

static int
write_config(struct moe_err *err, const char *dir,
             const struct moe_config *config, enum dtype dtype)
{
    const char *name = dtype == DTYPE_F32    ? "float32"
                       : dtype == DTYPE_BF16 ? "bfloat16"
                                             : "float16";
    json_t *root;
    char *path = str_path(dir, "config.json");
    if (!path)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
    int rc = json_parse(err, &root, config->source, strlen(config->source),
                        "config.json");
    if (!rc) {
        bool old = json_object_get(root, "torch_dtype") != NULL;
        int bad = json_object_set_new(root, "dtype", json_string(name));
        if (old)
            bad |= json_object_set_new(root, "torch_dtype", json_string(name));
        rc = bad ? moe_fail(err, MOE_ENOMEM, "%s: out of memory", path)
                 : json_write(err, root, path);
    }
    json_decref(root);
    free(path);
    return rc;
}

int
export_model(struct moe_err *err, const char *dir,
             const struct moe_config *config, const struct export_options *opt)
{
    struct plan p;
    int rc = fs_mkdirs(err, dir, 0777);
    if (!rc)
        rc = plan_make(err, &p, config, opt);
    if (rc)
        return rc;
    float *x = mem_zero(EXPORT_CHUNK, sizeof *x);
    void *y = mem_zero(EXPORT_CHUNK, sizeof *x);
    if (!x || !y)
        rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
    for (size_t k = 0; !rc && k < p.shards; k++)
        rc = write_shard(err, dir, &p, k, config, opt, x, y);
    if (!rc && p.shards > 1)
        rc = write_index(err, dir, &p);
    if (!rc)
        rc = write_config(err, dir, config, opt->dtype);
    free(x);
    free(y);
    plan_free(&p);
    return rc;
}

/* A file that is missing is left out. */
static int
copy_file(struct moe_err *err, const char *from, const char *dir,
          const char *name)
{
    struct fs_map map;
    char *to = str_path(dir, name);
    int rc = to ? MOE_OK : moe_fail(err, MOE_ENOMEM, "out of memory");
    if (!rc && fs_exists(from) && !(rc = fs_map_open(err, &map, from))) {
        rc = fs_write(err, to, map.data, map.size);
        fs_map_close(&map);
    }
    free(to);
    return rc;
}

int
export_carry(struct moe_err *err, const char *dir, const char *model,
             const char *tokenizer)
{
    static const char *const carried[] = {
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
        "generation_config.json"};
    char *beside = fs_is_dir(model) ? str_copy(model) : fs_dirname(model);
    int rc = beside ? MOE_OK : moe_fail(err, MOE_ENOMEM, "out of memory");
    for (size_t i = 0; !rc && i < sizeof carried / sizeof *carried; i++) {
        char *from = i == 0 && tokenizer ? str_copy(tokenizer)
                                         : str_path(beside, carried[i]);
        rc = from ? copy_file(err, from, dir, carried[i])
                  : moe_fail(err, MOE_ENOMEM, "out of memory");
        free(from);
    }
    free(beside);
    return rc;
}
