/*
 * prepare_state.c - reading documents for a corpus, records, the manifest.
 */
#include "config.h"

#include "data/prepare_state.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/suffix.h"

/* ---- Reading ------------------------------------------------------------ */

static int
no_memory(struct moe_err *err, const char *name)
{
    return moe_fail(err, MOE_ENOMEM, "%s: out of memory", name);
}

static int
add_file(struct moe_err *err, struct prepare_reader *reader, size_t *n,
         const struct prepare_file *file)
{
    size_t i = 0;
    if (!suffix_is(file->path, ".jsonl") &&
        !suffix_is(file->path, ".jsonl.gz") &&
        !suffix_is(file->path, ".jsonl.zst"))
        return moe_fail(err, MOE_EFORMAT,
                        "%s: want .jsonl, alone or with .gz or .zst",
                        file->path);
    while (i < *n && strcmp(reader[i].name, file->language) != 0)
        i++;
    if (i == *n)
        reader[(*n)++].name = file->language;
    struct prepare_reader *r = &reader[i];
    struct prepare_source *grown =
        mem_grow(r->source, &r->cap, r->sources + 1, sizeof *grown);
    if (!grown)
        return no_memory(err, file->path);
    r->source = grown;
    r->source[r->sources++] = (struct prepare_source){.path = file->path};
    return MOE_OK;
}

int
prepare_open(struct moe_err *err, struct prepare_reader **out, size_t *n,
             const struct prepare_file *file, size_t files)
{
    int rc = MOE_OK;
    *n = 0;
    *out = mem_zero(files, sizeof **out);
    if (!*out)
        return no_memory(err, "corpus");
    for (size_t i = 0; !rc && i < files; i++)
        rc = add_file(err, *out, n, &file[i]);
    return rc;
}

void
prepare_close(struct prepare_reader **rp, size_t n)
{
    struct prepare_reader *r = *rp;
    for (size_t i = 0; r && i < n; i++) {
        text_close(&r[i].text);
        rotate_free(&r[i].held);
        rotate_free(&r[i].out);
        free(r[i].source);
    }
    free(r);
    *rp = NULL;
}

/* Close the file that is read, and open the next. */
static int
next_file(struct moe_err *err, struct prepare_reader *r)
{
    if (r->text) {
        const struct text_counts *c = text_counts(r->text);
        r->source[r->next - 1].empty = c->empty;
        r->source[r->next - 1].replaced = c->replaced;
        text_close(&r->text);
    }
    return r->next == r->sources
               ? MOE_OK
               : text_open(err, &r->text, r->source[r->next++].path, NULL);
}

int
prepare_advance(struct moe_err *err, struct prepare_reader *r,
                const struct prepare_options *opt)
{
    r->has = false;
    for (;;) {
        int rc = r->text ? text_next(err, r->text, &r->doc) : 0;
        if (rc < 0)
            return rc;
        if (r->text && opt->progress)
            opt->progress(opt->progress_arg, r->source[r->next - 1].path,
                          text_position(r->text));
        r->has = rc == 1;
        if (r->has)
            return MOE_OK;
        if ((rc = next_file(err, r)) < 0 || !r->text)
            return rc;
    }
}

/* ---- Records ------------------------------------------------------------ */

static json_t *
copy_of(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return value ? json_incref(value) : json_null();
}

static json_t *
make_record(const struct prepare_reader *r, uint64_t n)
{
    const json_t *from = r->doc.object;
    char *id = str_format("%s_%llu", r->name, (unsigned long long)n);
    json_t *to =
        id ? json_pack("{s:s, s:o, s:o, s:o, s:o, s:{}, s:s}", "id", id, "text",
                       copy_of(from, "text"), "source", copy_of(from, "source"),
                       "timestamp", copy_of(from, "timestamp"), "url",
                       copy_of(from, "url"), "metadata", "language", r->name)
           : NULL;
    free(id);
    return to;
}

int
prepare_line(struct moe_err *err, char **line, struct prepare_reader *r,
             uint64_t n, bool keep)
{
    const json_t *object = r->doc.object;
    keep = keep && json_is_string(json_object_get(object, "language"));
    json_t *record = keep ? NULL : make_record(r, n);
    *line = keep || record ? json_dumps(keep ? object : record, 0) : NULL;
    json_decref(record);
    r->source[r->next - 1].documents++;
    return *line ? MOE_OK : no_memory(err, r->source[r->next - 1].path);
}

int
prepare_write(struct moe_err *err, struct rotate *to, struct prepare_reader *r,
              uint64_t n)
{
    char *line;
    int rc = prepare_line(err, &line, r, n, false);
    if (!rc)
        rc = rotate_add(err, to, line, strlen(line));
    free(line);
    return rc;
}

/* ---- The manifest ------------------------------------------------------- */

int
prepare_begin(struct moe_err *err, const struct prepare_options *opt)
{
    int rc = fs_mkdirs(err, opt->dir, 0777);
    char *path = rc ? NULL : str_path(opt->dir, "manifest.json");
    if (!rc && !path)
        rc = no_memory(err, opt->dir);
    if (!rc)
        unlink(path);
    free(path);
    return rc;
}

void
prepare_list_files(json_t *list, const struct rotate *r, const char *language,
                   const char *part)
{
    for (size_t i = 0; i < r->files; i++) {
        const struct rotate_file *f = &r->file[i];
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:I, s:I, s:s}", "path", f->name,
                            "language", language, "part", part, "documents",
                            (json_int_t)f->lines, "bytes", (json_int_t)f->bytes,
                            "sha256", f->sha256));
    }
}

static int
list_source(struct moe_err *err, json_t *list, const char *language,
            const struct prepare_source *s)
{
    char hex[HASH_HEX], *path;
    struct stat st = {0};
    int rc = hash_file(err, hex, s->path);
    if (!rc)
        rc = fs_realpath(err, &path, s->path);
    if (rc)
        return rc;
    if (stat(path, &st))
        st.st_size = 0;
    json_array_append_new(
        list,
        json_pack("{s:s, s:s, s:I, s:s, s:I, s:I, s:I}", "path", path,
                  "language", language, "bytes", (json_int_t)st.st_size,
                  "sha256", hex, "documents", (json_int_t)s->documents, "empty",
                  (json_int_t)s->empty, "replaced", (json_int_t)s->replaced));
    free(path);
    return MOE_OK;
}

int
prepare_list_sources(struct moe_err *err, json_t *list,
                     const struct prepare_reader *r, size_t n)
{
    int rc = MOE_OK;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; !rc && k < r[i].sources; k++)
            rc = list_source(err, list, r[i].name, &r[i].source[k]);
    return rc;
}

int
prepare_end(struct moe_err *err, json_t **out, json_t *manifest,
            const struct prepare_options *opt)
{
    char *path = str_path(opt->dir, "manifest.json");
    int rc = manifest && path ? json_write(err, manifest, path)
                              : no_memory(err, opt->dir);
    free(path);
    if (out && !rc)
        *out = json_incref(manifest);
    json_decref(manifest);
    return rc;
}
