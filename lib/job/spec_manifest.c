/*
 * spec_manifest.c - data: named by the manifest of polymoe prepare.
 */
#include "config.h"

#include "job/field.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"

static int
no_memory(struct moe_err *err)
{
    return moe_fail(err, MOE_ENOMEM, "job spec: out of memory");
}

/* The language of that name, made when it is new; NULL without memory or when
 * there are too many. */
static struct job_language *
find_language(struct job_data *data, const char *name)
{
    for (size_t i = 0; i < data->n; i++)
        if (strcmp(data->language[i].name, name) == 0)
            return &data->language[i];
    return data->n < JOB_LANGUAGES_MAX ? job_data_add(data, name) : NULL;
}

/* One file of the manifest, when it is to train on. */
static int
add_file(struct moe_err *err, struct job_data *data, const char *dir,
         const char *manifest, const json_t *file)
{
    const char *name = json_string_value(json_object_get(file, "path"));
    const char *part = json_string_value(json_object_get(file, "part"));
    const char *language = json_string_value(json_object_get(file, "language"));
    if (!name || !part || !language)
        return moe_fail(err, MOE_EFORMAT,
                        "data: %s: a file without path, part or language",
                        manifest);
    if (strcmp(part, "train") != 0)
        return MOE_OK;
    char *path = str_path(dir, name);
    struct job_language *l = path ? find_language(data, language) : NULL;
    bool added = l && job_strings_add(&l->files, path);
    free(path);
    return added ? MOE_OK : no_memory(err);
}

int
job_data_manifest(struct moe_err *err, struct job_data *found, const char *path)
{
    json_t *root = NULL;
    const json_t *file;
    size_t i;
    char *dir = fs_dirname(path);
    int rc = dir ? json_read(err, &root, path) : no_memory(err);
    const json_t *files = json_object_get(root, "files");
    const char *format = json_string_value(json_object_get(root, "format"));
    if (!rc && (!format || strcmp(format, "polymoe-corpus") != 0))
        rc = moe_fail(err, MOE_EFORMAT,
                      "data: %s: format is %s, want polymoe-corpus", path,
                      format ? format : "missing");
    json_array_foreach(files, i, file) if (!rc) rc =
        add_file(err, found, dir, path, file);
    if (!rc && !found->n)
        rc = moe_fail(err, MOE_EFORMAT, "data: %s: no file to train on", path);
    json_decref(root);
    free(dir);
    return rc;
}
