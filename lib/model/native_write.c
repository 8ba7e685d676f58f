/*
 * native_write.c - a model as the trainer's checkpoint.
 */
#include "config.h"

#include "model/native.h"

#include <stdlib.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/safetensors.h"

enum { CHUNK = 1 << 16 }; // elements converted at a time

struct writing {
    const struct moe_config *config;
    const struct export_options *opt;
    struct st_entry *entry; // one a tensor
    char (*name)[NATIVE_NAME_BYTES];
    size_t *at; // (L, NATIVE_KINDS): the entry of a tensor
    size_t n;
    float *x; // one chunk, or one matrix of an expert
    void *y;  // the same, narrowed
};

static void
add_entry(struct writing *w, enum native_kind kind, int layer)
{
    const struct tensor shape = native_shape(kind, w->config);
    struct st_entry *e = &w->entry[w->n];
    native_name(w->name[w->n], kind, layer, true);
    *e = (struct st_entry){
        .name = w->name[w->n], .dtype = w->opt->dtype, .rank = shape.rank};
    for (int i = 0; i < SAFETENSORS_RANK; i++)
        e->dim[i] = i < shape.rank ? shape.dim[i] : 1;
    w->at[layer * NATIVE_KINDS + (int)kind] = w->n++;
}

static int
make_plan(struct moe_err *err, struct writing *w)
{
    const struct moe_config *c = w->config;
    const size_t most = (size_t)(c->L * NATIVE_KINDS);
    const uint64_t matrix = param_elements(PARAM_DOWN, c);
    const size_t room = matrix > CHUNK ? (size_t)matrix : CHUNK;
    w->entry = mem_zero(most, sizeof *w->entry);
    w->name = mem_zero(most, sizeof *w->name);
    w->at = mem_zero(most, sizeof *w->at);
    w->x = mem_zero(room, sizeof *w->x);
    w->y = mem_zero(room, sizeof *w->x);
    if (!w->entry || !w->name || !w->at || !w->x || !w->y)
        return moe_fail(err, MOE_ENOMEM, "export: out of memory");
    for (int l = 0; l < c->L; l++)
        for (int k = 0; k < NATIVE_KINDS; k++)
            if ((native_of_layer(k) || l == 0) &&
                !(k == NATIVE_FF_OUT && c->tie_embeddings))
                add_entry(w, k, l);
    return MOE_OK;
}

/* y = the transposed matrix of an expert, (D,F) to (F,D). */
static void
transpose(struct writing *w)
{
    const size_t D = (size_t)w->config->D, F = (size_t)w->config->F;
    const size_t width = dtype_bytes(w->opt->dtype);
    for (size_t f = 0; f < F; f++)
        for (size_t d = 0; d < D; d++)
            dtype_narrow((char *)w->y + (f * D + d) * width, w->x + d * F + f,
                         w->opt->dtype, 1);
}

static int
write_param(struct moe_err *err, struct writing *w, struct st_writer *file,
            const struct param *p)
{
    const struct native_place place = native_place(p, w->config);
    const int layer = native_of_layer(place.kind) ? p->layer : 0;
    const size_t entry = w->at[layer * NATIVE_KINDS + (int)place.kind];
    const uint64_t elements = param_elements(p->kind, w->config);
    const uint64_t step = place.transposed ? elements : CHUNK;
    const size_t width = dtype_bytes(w->opt->dtype);
    int rc = MOE_OK;
    for (uint64_t at = 0; !rc && at < elements; at += step) {
        const size_t n = (size_t)(elements - at < step ? elements - at : step);
        rc = w->opt->read(err, w->opt->arg, p, at, w->x, n);
        if (rc)
            break;
        if (place.transposed)
            transpose(w);
        else
            dtype_narrow(w->y, w->x, w->opt->dtype, n);
        rc = safetensors_put(err, file, entry, (place.at + at) * width, w->y,
                             n * width);
    }
    return rc;
}

static int
write_params(struct moe_err *err, struct writing *w, struct st_writer *file)
{
    struct param *list;
    size_t n;
    int rc = params_list(err, &list, &n, w->config);
    for (size_t i = 0; !rc && i < n; i++)
        rc = write_param(err, w, file, &list[i]);
    free(list);
    return rc;
}

static int
write_file(struct moe_err *err, struct writing *w, const char *dir)
{
    struct st_writer file;
    char *path = str_path(dir, "model.safetensors");
    int rc = path ? safetensors_create(err, &file, path, w->entry, w->n, NULL)
                  : moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
    free(path);
    if (rc)
        return rc;
    rc = write_params(err, w, &file);
    if (!rc)
        return safetensors_commit(err, &file);
    safetensors_abort(&file);
    return rc;
}

int
native_write(struct moe_err *err, const char *dir,
             const struct moe_config *config, const struct export_options *opt)
{
    struct writing w = {.config = config, .opt = opt};
    if (config->attention_bias)
        return moe_fail(err, MOE_EINVAL,
                        "%s: the model has attention biases, the trainer's "
                        "form has none",
                        dir);
    char *yaml = str_path(dir, "config.yaml");
    int rc = yaml ? fs_mkdirs(err, dir, 0777)
                  : moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
    if (!rc)
        rc = make_plan(err, &w);
    if (!rc)
        rc = write_file(err, &w, dir);
    if (!rc)
        rc = native_config_write(err, yaml, config);
    free(yaml);
    free(w.entry);
    free(w.name);
    free(w.at);
    free(w.x);
    free(w.y);
    return rc;
}
