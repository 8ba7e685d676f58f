/*
 * spec_paths.c - the files that a spec names: made absolute, found, looked at.
 */
#include "config.h"

#include "job/field.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "base/utf8.h"

static int
no_memory(struct moe_err *err)
{
    return moe_fail(err, MOE_ENOMEM, "job spec: out of memory");
}

/* Replace *path by its absolute form, "dir/path". */
static int
make_absolute(struct moe_err *err, char **path, const char *dir)
{
    if (!*path || (*path)[0] == '/')
        return MOE_OK;
    char *whole = str_path(dir, *path);
    if (!whole)
        return no_memory(err);
    free(*path);
    *path = whole;
    return MOE_OK;
}

static int
make_all_absolute(struct moe_err *err, struct job_strings *paths,
                  const char *dir)
{
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < paths->n; i++)
        rc = make_absolute(err, &paths->item[i], dir);
    return rc;
}

static int
make_data_absolute(struct moe_err *err, struct job_data *data, const char *dir)
{
    int rc = make_absolute(err, &data->directory, dir);
    for (size_t i = 0; i < data->n; i++)
        if (!rc)
            rc = make_all_absolute(err, &data->language[i].files, dir);
    return rc;
}

int
job_field_absolute(struct moe_err *err, const struct job_field *field,
                   struct job_spec *spec, const char *dir)
{
    if (field->type == JOB_PATH)
        return make_absolute(err, job_field_at(field, spec), dir);
    if (field->type == JOB_PATHS)
        return make_all_absolute(err, job_field_at(field, spec), dir);
    if (field->type == JOB_DATA)
        return make_data_absolute(err, job_field_at(field, spec), dir);
    return MOE_OK;
}

/* How long "LANG" is in LANG.ENDING or LANG.*.ENDING, 0 for other names. */
static size_t
language_length(const char *name, bool tables)
{
    static const char *const texts[] = {".txt",       ".jsonl", ".jsonl.gz",
                                        ".jsonl.zst", ".u16",   ".u32",
                                        ".npy",       NULL};
    static const char *const records[] = {".tsv", ".csv", ".jsonl", ".txt",
                                          NULL};
    size_t n = strlen(name), language = strcspn(name, ".");
    for (const char *const *e = tables ? records : texts; *e; e++) {
        size_t m = strlen(*e);
        if (n > m && language <= n - m && strcmp(name + n - m, *e) == 0)
            return language;
    }
    return 0;
}

/* "mgsm_" of mgsm_en.tsv, where the field is mgsm.data. */
static size_t
task_length(const char *name, const struct job_field *field)
{
    size_t n = strcspn(field->name, ".");
    return field->tables && strncmp(name, field->name, n) == 0 && name[n] == '_'
               ? n + 1
               : 0;
}

/* A folder of a task's data is a language whole. */
static bool
is_folder(const struct job_field *field, const char *dir, const char *name)
{
    char *path = field->tables && name[0] != '.' ? str_path(dir, name) : NULL;
    bool folder = path && fs_is_dir(path);
    free(path);
    return folder;
}

static int
add_file(struct moe_err *err, const struct job_field *field,
         struct job_data *data, const char *dir, const char *name)
{
    const size_t skip = task_length(name, field);
    size_t n = is_folder(field, dir, name)
                   ? strlen(name)
                   : language_length(name, field->tables);
    struct job_language *last = data->n ? &data->language[data->n - 1] : NULL;
    if (!n)
        return MOE_OK;
    if (!utf8_valid(name, strlen(name)))
        return moe_fail(err, MOE_EINPUT, "%s/%s: the name is not UTF-8", dir,
                        name);
    char *language = str_format("%.*s", (int)(n - skip), name + skip);
    char *path = str_path(dir, name);
    /* Sorted by byte, ca-x.txt stands between ca.a.txt and ca.b.txt. */
    for (size_t i = 0; language && i < data->n; i++)
        if (strcmp(data->language[i].name, language) == 0)
            last = &data->language[i];
    if (language && (!last || strcmp(last->name, language) != 0))
        last =
            data->n < JOB_LANGUAGES_MAX ? job_data_add(data, language) : NULL;
    bool added =
        language && path && last && job_strings_add(&last->files, path);
    free(language);
    free(path);
    return added ? MOE_OK : no_memory(err);
}

/* The languages found in a directory. */
static int
look_into(struct moe_err *err, const struct job_field *field,
          struct job_data *found, const char *dir)
{
    char **names;
    size_t n;
    int rc = fs_list(err, &names, &n, dir, "");
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < n; i++)
        rc = add_file(err, field, found, dir, names[i]);
    fs_list_free(names, n);
    if (!rc && !found->n)
        rc = moe_fail(err, MOE_EINPUT, "%s: %s: no LANG%s or the like in it",
                      field->name, dir,
                      field->tables ? ".tsv, LANG.jsonl, a folder LANG"
                                    : ".txt, LANG.jsonl, LANG.u16");
    return rc;
}

/* Replace a directory, or a manifest, by the languages found in it. */
static int
expand_directory(struct moe_err *err, const struct job_field *field,
                 struct job_data *data)
{
    struct job_data found = {0};
    const char *dir = data->directory;
    const char *dot = strrchr(dir, '.');
    const bool is_file = fs_exists(dir) && !fs_is_dir(dir);
    int rc;
    if (is_file && dot && strcmp(dot, ".json") == 0)
        rc = job_data_manifest(err, &found, dir);
    else if (is_file)
        rc = moe_fail(err, MOE_EFORMAT,
                      "%s: %s is a file; write {LANGUAGE: FILE}", field->name,
                      dir);
    else
        rc = look_into(err, field, &found, dir);
    if (rc) {
        job_data_free(&found);
        return rc;
    }
    job_data_free(data);
    *data = found;
    return MOE_OK;
}

/* Will an earlier job write this path? */
static bool
comes_later(const char *path, const char *const *later, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t m = strlen(later[i]);
        if (strncmp(path, later[i], m) == 0 &&
            (path[m] == '/' || path[m] == '\0'))
            return true;
    }
    return false;
}

static int
look_for(struct moe_err *err, const char *field, const char *path,
         const char *const *later, size_t n)
{
    if (fs_exists(path) || comes_later(path, later, n))
        return MOE_OK;
    return moe_fail(err, MOE_EINPUT, "%s: %s: no such file or directory", field,
                    path);
}

static int
look_for_all(struct moe_err *err, const char *field,
             const struct job_strings *paths, const char *const *later,
             size_t n)
{
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < paths->n; i++)
        rc = look_for(err, field, paths->item[i], later, n);
    return rc;
}

static int
look_for_data(struct moe_err *err, const char *field,
              const struct job_data *data, const char *const *later, size_t n)
{
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < data->n; i++)
        rc = look_for_all(err, field, &data->language[i].files, later, n);
    return rc;
}

/* The model's own tokenizer need not be there: token files want none, and who
 * reads text says that it is missing. */
static int
look_for_tokenizer(struct moe_err *err, struct job_spec *spec,
                   const char *const *later, size_t n)
{
    int rc = MOE_OK;
    bool file = fs_exists(spec->model) && !fs_is_dir(spec->model);
    char *dir = file ? fs_dirname(spec->model) : str_copy(spec->model);
    char *own = dir ? str_path(dir, "tokenizer.json") : NULL;
    free(dir);
    if (!own)
        return no_memory(err);
    if (!spec->tokenizer) {
        spec->tokenizer = own;
        return MOE_OK;
    }
    if (strcmp(spec->tokenizer, own) != 0)
        rc = look_for(err, "tokenizer", spec->tokenizer, later, n);
    free(own);
    return rc;
}

/* Find and look for what one field names. */
static int
resolve_field(struct moe_err *err, const struct job_field *field,
              struct job_spec *spec, const char *const *later, size_t n)
{
    void *at = job_field_at(field, spec);
    struct job_data *data = at;
    if (!job_field_given(field, spec))
        return MOE_OK;
    if (field->type == JOB_PATHS)
        return look_for_all(err, field->name, at, later, n);
    if (field->type != JOB_DATA)
        return field->input ? look_for(err, field->name, *(char **)at, later, n)
                            : MOE_OK;
    int rc = MOE_OK;
    if (data->directory && !comes_later(data->directory, later, n))
        rc = expand_directory(err, field, data);
    return rc ? rc : look_for_data(err, field->name, data, later, n);
}

int
job_spec_resolve(struct moe_err *err, struct job_spec *spec, const char *dir,
                 const char *const *later, size_t n)
{
    int rc = MOE_OK;
    for (const struct job_field *f = job_fields; !rc && f->name; f++)
        rc = job_field_absolute(err, f, spec, dir);
    for (const struct job_field *f = job_fields; !rc && f->name; f++)
        rc = resolve_field(err, f, spec, later, n);
    if (!rc && spec->model)
        rc = look_for_tokenizer(err, spec, later, n);
    return rc;
}
