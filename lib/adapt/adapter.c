/*
 * adapter.c - the tensors that an adaptation changed, on disk.
 */
#include "config.h"

#include "adapt/adapter.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/overlay.h"
#include "model/names.h"

/* The tensors of an adapter being written. */
struct writing {
    const struct adapter_source *s;
    struct param *param; // all; the first n are the changed ones
    struct st_entry *entry;
    char (*name)[NAMES_BYTES];
    size_t n;
    uint64_t elements;
    float *x;
    void *y;
};

static int
add(struct moe_err *err, struct writing *w, const struct param *p)
{
    const struct moe_config *c = &w->s->base->config;
    const struct tensor shape = param_shape(p->kind, c);
    struct st_entry *e = &w->entry[w->n];
    names_format(w->name[w->n], names_olmoe, p);
    if (!checkpoint_find(w->s->base->files, w->name[w->n]))
        return moe_fail(err, MOE_EINVAL,
                        "adapter: %s is part of a fused tensor of %s, convert "
                        "the model first",
                        w->name[w->n], w->s->base_dir);
    *e = (struct st_entry){.name = w->name[w->n],
                           .dtype = weights_dtype(w->s->base, p),
                           .rank = shape.rank};
    for (int i = 0; i < SAFETENSORS_RANK; i++)
        e->dim[i] = i < shape.rank ? shape.dim[i] : 1;
    w->param[w->n++] = *p;
    w->elements += param_elements(p->kind, c);
    return MOE_OK;
}

static int
make_plan(struct moe_err *err, struct writing *w)
{
    size_t all;
    int rc = params_list(err, &w->param, &all, &w->s->base->config);
    if (rc)
        return rc;
    w->entry = mem_zero(all, sizeof *w->entry);
    w->name = mem_zero(all, sizeof *w->name);
    w->x = mem_zero(EXPORT_CHUNK, sizeof *w->x);
    w->y = mem_zero(EXPORT_CHUNK, sizeof *w->x);
    if (!w->entry || !w->name || !w->x || !w->y)
        return moe_fail(err, MOE_ENOMEM, "adapter: out of memory");
    for (size_t i = 0; !rc && i < all; i++)
        if (w->s->changed(w->s->changed_arg, &w->param[i]))
            rc = add(err, w, &w->param[i]);
    if (!rc && !w->n)
        rc = moe_fail(err, MOE_EINVAL, "adapter: no tensor differs from %s",
                      w->s->base_dir);
    return rc;
}

static int
write_file(struct moe_err *err, struct writing *w, const char *dir)
{
    struct st_writer file;
    char *path = str_path(dir, OVERLAY_FILE);
    int rc = path ? safetensors_create(err, &file, path, w->entry, w->n, NULL)
                  : moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
    free(path);
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < w->n; i++)
        rc = export_param(err, &file, i, &w->param[i],
                          param_elements(w->param[i].kind, &w->s->base->config),
                          w->entry[i].dtype, w->s->read, w->s->read_arg, w->x,
                          w->y);
    if (!rc)
        return safetensors_commit(err, &file);
    safetensors_abort(&file);
    return rc;
}

static int
write_config(struct moe_err *err, const struct writing *w, const char *dir)
{
    const char *text = w->s->base->config.source;
    char *path = str_path(dir, "config.json");
    int rc = path ? fs_write(err, path, text, strlen(text))
                  : moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
    free(path);
    return rc;
}

static int
write_meta(struct moe_err *err, const struct writing *w, const char *dir)
{
    char *path = str_path(dir, OVERLAY_META);
    char *base = realpath(w->s->base_dir, NULL);
    json_t *root = json_pack(
        "{s:s, s:I, s:I}", "base", base ? base : w->s->base_dir, "tensors",
        (json_int_t)w->n, "parameters", (json_int_t)w->elements);
    if (w->s->about)
        json_object_update(root, (json_t *)(uintptr_t)w->s->about);
    int rc = path && root ? json_write(err, root, path)
                          : moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
    json_decref(root);
    free(base);
    free(path);
    return rc;
}

int
adapter_write(struct moe_err *err, const char *dir,
              const struct adapter_source *s)
{
    struct writing w = {.s = s};
    int rc = make_plan(err, &w);
    if (!rc)
        rc = fs_mkdirs(err, dir, 0777);
    if (!rc)
        rc = write_file(err, &w, dir);
    if (!rc)
        rc = write_config(err, &w, dir);
    if (!rc)
        rc = export_carry(err, dir, s->base_dir, NULL);
    if (!rc)
        rc = write_meta(err, &w, dir);
    free(w.param);
    free(w.entry);
    free(w.name);
    free(w.x);
    free(w.y);
    return rc;
}

/* ---- Between two models ---------------------------------------------------
 */

struct two {
    const struct weights *base;
    struct weights *tuned;
};

/* Whether a parameter has other numbers in the base's own type. */
static bool
differs(const void *arg, const struct param *p)
{
    const struct two *t = arg;
    enum { PIECE = 4096 };
    const enum dtype type = weights_dtype(t->base, p);
    const uint64_t all = param_elements(p->kind, &t->base->config);
    float a[PIECE], b[PIECE], narrow[PIECE];
    for (uint64_t at = 0; at < all; at += PIECE) {
        const size_t n = all - at < PIECE ? (size_t)(all - at) : PIECE;
        weights_read(NULL, (void *)(uintptr_t)t->base, p, at, a, n);
        weights_read(NULL, t->tuned, p, at, b, n);
        dtype_narrow(narrow, b, type, n);
        dtype_widen(b, narrow, type, n);
        if (memcmp(a, b, n * sizeof *a) != 0)
            return true;
    }
    return false;
}

static int
same_shape(struct moe_err *err, const struct moe_config *a,
           const struct moe_config *b, const char *dir)
{
    if (a->V == b->V && a->D == b->D && a->L == b->L && a->H == b->H &&
        a->G == b->G && a->S == b->S && a->E == b->E && a->F == b->F &&
        a->K == b->K && a->attention_bias == b->attention_bias &&
        a->tie_embeddings == b->tie_embeddings)
        return MOE_OK;
    return moe_fail(err, MOE_ESHAPE,
                    "%s: another shape than the base: found V %lld, D %lld, L "
                    "%lld, E %lld, F %lld, want %lld, %lld, %lld, %lld, %lld",
                    dir, (long long)b->V, (long long)b->D, (long long)b->L,
                    (long long)b->E, (long long)b->F, (long long)a->V,
                    (long long)a->D, (long long)a->L, (long long)a->E,
                    (long long)a->F);
}

int
adapter_diff(struct moe_err *err, const char *dir, const char *base_dir,
             const char *tuned_dir)
{
    struct weights base = {0}, tuned = {0};
    int rc = weights_open(err, &base, base_dir);
    if (!rc)
        rc = weights_open(err, &tuned, tuned_dir);
    if (!rc)
        rc = same_shape(err, &base.config, &tuned.config, tuned_dir);
    if (!rc) {
        const struct two two = {&base, &tuned};
        const struct adapter_source s = {.base_dir = base_dir,
                                         .base = &base,
                                         .changed = differs,
                                         .changed_arg = &two,
                                         .read = weights_read,
                                         .read_arg = &tuned};
        rc = adapter_write(err, dir, &s);
    }
    weights_close(&base);
    weights_close(&tuned);
    return rc;
}
