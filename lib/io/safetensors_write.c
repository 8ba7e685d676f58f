/*
 * safetensors_write.c - writing tensor files.
 */
#include "config.h"

#include "io/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { HEADER_ALIGN = 8 };

/* An entry on the way to its place. */
static int
compare_entries(const void *a, const void *b)
{
    const struct st_entry *s = *(struct st_entry *const *)a;
    const struct st_entry *t = *(struct st_entry *const *)b;
    size_t m = dtype_bytes(s->dtype), n = dtype_bytes(t->dtype);
    if (m != n)
        return m > n ? -1 : 1;
    return strcmp(s->name, t->name);
}

static bool
entry_bytes(uint64_t *out, const struct st_entry *e)
{
    uint64_t factor[SAFETENSORS_RANK + 1] = {dtype_bytes(e->dtype)};
    for (int i = 0; i < e->rank; i++) {
        if (e->dim[i] < 0)
            return false;
        factor[1 + i] = (uint64_t)e->dim[i];
    }
    return mem_product(out, factor, 1 + (size_t)e->rank);
}

/* Give each entry its range, in the order of the list. */
static int
place_entries(struct moe_err *err, struct st_writer *w, struct st_entry **list)
{
    for (size_t i = 0; i < w->n; i++) {
        uint64_t bytes;
        if (!entry_bytes(&bytes, list[i]) ||
            bytes > (uint64_t)INT64_MAX - w->total)
            return moe_fail(err, MOE_EINVAL, "%s: tensor '%s' is too large",
                            w->w.path, list[i]->name);
        if (i && strcmp(list[i - 1]->name, list[i]->name) == 0)
            return moe_fail(err, MOE_EINVAL, "%s: tensor '%s' is there twice",
                            w->w.path, list[i]->name);
        list[i]->begin = w->total;
        w->total += bytes;
        list[i]->end = w->total;
    }
    return MOE_OK;
}

static json_t *
entry_json(const struct st_entry *e)
{
    json_t *shape = json_array();
    for (int i = 0; i < e->rank; i++)
        json_array_append_new(shape, json_integer(e->dim[i]));
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", dtype_name(e->dtype),
                     "shape", shape, "data_offsets", (json_int_t)e->begin,
                     (json_int_t)e->end);
}

/* The header's text, for the caller to free; NULL without memory. */
static char *
header_text(struct st_entry **list, size_t n, const json_t *metadata)
{
    json_t *root = json_object();
    json_t *meta = metadata ? json_deep_copy(metadata) : json_object();
    bool ok =
        root && json_object_set_new(meta, "format", json_string("pt")) == 0;
    ok = json_object_set_new(root, "__metadata__", meta) == 0 && ok;
    for (size_t i = 0; ok && i < n; i++)
        ok = json_object_set_new(root, list[i]->name, entry_json(list[i])) == 0;
    char *text = ok ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return text;
}

static int
write_header(struct moe_err *err, struct st_writer *w, const char *text)
{
    static const char spaces[] = "        ";
    size_t n = strlen(text);
    size_t pad = (HEADER_ALIGN - n % HEADER_ALIGN) % HEADER_ALIGN;
    unsigned char size[8];
    for (int i = 0; i < 8; i++)
        size[i] = (unsigned char)((uint64_t)(n + pad) >> 8 * i);
    w->data_at = 8 + n + pad;
    int rc = fs_put(err, &w->w, size, sizeof size);
    if (!rc)
        rc = fs_put(err, &w->w, text, n);
    if (!rc)
        rc = fs_put(err, &w->w, spaces, pad);
    return rc;
}

int
safetensors_create(struct moe_err *err, struct st_writer *w, const char *path,
                   struct st_entry *entry, size_t n, const json_t *metadata)
{
    *w = (struct st_writer){.entry = entry, .n = n};
    int rc = fs_create(err, &w->w, path);
    if (rc)
        return rc;
    char *text = NULL;
    struct st_entry **list = mem_zero(n, sizeof *list);
    for (size_t i = 0; list && i < n; i++)
        list[i] = &entry[i];
    if (list && n)
        qsort(list, n, sizeof *list, compare_entries);
    rc = list ? place_entries(err, w, list)
              : moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    if (!rc && !(text = header_text(list, n, metadata)))
        rc = moe_fail(err, MOE_ENOMEM, "%s: no header", path);
    if (!rc)
        rc = write_header(err, w, text);
    free(text);
    free(list);
    if (rc)
        safetensors_abort(w);
    return rc;
}

int
safetensors_put(struct moe_err *err, struct st_writer *w, size_t i, uint64_t at,
                const void *p, size_t n)
{
    const struct st_entry *e = &w->entry[i];
    if (i >= w->n || at > e->end - e->begin || n > e->end - e->begin - at)
        return moe_fail(err, MOE_EINVAL, "%s: bytes outside a tensor",
                        w->w.path);
    if (fseeko(w->w.f, (off_t)(w->data_at + e->begin + at), SEEK_SET) != 0)
        return moe_fail(err, MOE_EIO, "%s: cannot seek", w->w.temp);
    int rc = fs_put(err, &w->w, p, n);
    if (!rc)
        w->done += n;
    return rc;
}

int
safetensors_commit(struct moe_err *err, struct st_writer *w)
{
    if (w->done != w->total) {
        int rc =
            moe_fail(err, MOE_EINVAL,
                     "%s: %llu of %llu data bytes were written", w->w.path,
                     (unsigned long long)w->done, (unsigned long long)w->total);
        safetensors_abort(w);
        return rc;
    }
    return fs_commit(err, &w->w);
}

void
safetensors_abort(struct st_writer *w)
{
    fs_abort(&w->w);
    *w = (struct st_writer){0};
}
