/*
 * folder_beside.c - what a job leaves beside its tables: run.json, the log,
 * the steps of a training, experts.json.
 */
#include "config.h"

#include "report/folder.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

enum { FILE_BYTES = 1 << 28, SHOWN_WARNINGS = 200 };

/* DIR/name, or NULL in *out when there is no such file. */
static int
existing(struct moe_err *err, char **out, const struct folder *f,
         const char *name)
{
    *out = str_path(f->dir, name);
    if (!*out)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", f->dir);
    if (!fs_exists(*out)) {
        free(*out);
        *out = NULL;
    }
    return MOE_OK;
}

/* A JSON file that may be missing.  A broken one is reported in the page:
 * the tables are worth showing without it. */
static int
read_json(struct moe_err *err, struct folder *f, json_t **out, const char *name)
{
    char *path;
    struct moe_err why = {0};
    int rc = existing(err, &path, f, name);
    if (!rc && path && json_read(&why, out, path))
        rc = folder_warn(err, f, "%s", why.text);
    free(path);
    return rc;
}

/* Call f for every line of a file that may be missing. */
static int
each_line(struct moe_err *err, struct folder *f, const char *name,
          int (*take)(struct moe_err *, struct folder *, const char *))
{
    char *path, *text = NULL;
    size_t n;
    int rc = existing(err, &path, f, name);
    if (!rc && path)
        rc = fs_read(err, &text, &n, path, FILE_BYTES);
    for (char *line = text; !rc && line && *line;) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        rc = take(err, f, line);
        line = end ? end + 1 : NULL;
    }
    free(text);
    free(path);
    return rc;
}

/* A step of a training; a last line that was cut is left out. */
static int
take_metric(struct moe_err *err, struct folder *f, const char *line)
{
    json_t *o = json_loads(line, 0, NULL);
    const char *kind = json_string_value(json_object_get(o, "kind"));
    int rc = MOE_OK;
    if (kind && strcmp(kind, "step") == 0 &&
        json_array_append(f->steps, o) != 0)
        rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", f->dir);
    json_decref(o);
    return rc;
}

/* "TIME warn WORDS" of log.txt. */
static int
take_log(struct moe_err *err, struct folder *f, const char *line)
{
    const char *level = strchr(line, ' ');
    if (!level || f->warnings >= SHOWN_WARNINGS)
        return MOE_OK;
    if (strncmp(level, " warn ", 6) == 0)
        return folder_warn(err, f, "%s", level + 6);
    if (strncmp(level, " error ", 7) == 0)
        return folder_warn(err, f, "%s", level + 7);
    return MOE_OK;
}

static int
take_record(struct moe_err *err, struct folder *f)
{
    const char *status = folder_word(f, NULL, "status");
    const json_t *list = json_object_get(f->record, "warnings");
    int rc = MOE_OK;
    if (*status && strcmp(status, "done") != 0)
        rc = folder_warn(err, f, "the job did not end well: status %s", status);
    for (size_t i = 0; !rc && i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text)
            rc = folder_warn(err, f, "%s", text);
    }
    return rc;
}

/* "FIELD: VALUE" of spec.yaml; the lines of a map are not kept. */
static int
take_field(struct moe_err *err, struct folder *f, const char *line)
{
    const char *value = strstr(line, ": ");
    if (!value || *line == ' ')
        return MOE_OK;
    value += 2;
    const size_t n = strlen(value), quotes = n > 1 && *value == '"';
    json_t *text = json_stringn(value + quotes, n - 2 * quotes);
    char *name = str_format("%.*s", (int)(value - 2 - line), line);
    int rc = name && text && json_object_set(f->spec, name, text) == 0
                 ? MOE_OK
                 : moe_fail(err, MOE_ENOMEM, "%s: out of memory", f->dir);
    json_decref(text);
    free(name);
    return rc;
}

/* The job's kind: what run.json says, or its spec. */
static char *
kind_of(const struct folder *f)
{
    const char *kind = json_string_value(json_object_get(f->spec, "kind"));
    const char *recorded = folder_word(f, NULL, "kind");
    return str_copy(*recorded || !kind ? recorded : kind);
}

/* The job's name, or the folder's. */
static char *
label_of(const struct folder *f)
{
    const char *name = folder_word(f, NULL, "name");
    if (*name)
        return str_copy(name);
    char *copy = str_copy(f->dir);
    for (size_t n = copy ? strlen(copy) : 0; n > 1 && copy[n - 1] == '/'; n--)
        copy[n - 1] = '\0';
    const char *last = copy ? strrchr(copy, '/') : NULL;
    char *label = copy ? str_copy(last && last[1] ? last + 1 : copy) : NULL;
    free(copy);
    return label;
}

int
folder_beside(struct moe_err *err, struct folder *f)
{
    int rc = read_json(err, f, &f->record, "run.json");
    if (!rc)
        rc = read_json(err, f, &f->experts, "results/experts.json");
    if (!rc)
        rc = take_record(err, f);
    if (!rc)
        rc = each_line(err, f, "log.txt", take_log);
    f->steps = json_array();
    f->spec = json_object();
    f->label = label_of(f);
    if (!rc && (!f->steps || !f->spec || !f->label))
        rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", f->dir);
    if (!rc)
        rc = each_line(err, f, "metrics.jsonl", take_metric);
    if (!rc)
        rc = each_line(err, f, "spec.yaml", take_field);
    f->kind = kind_of(f);
    if (!rc && !f->kind)
        rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", f->dir);
    return rc;
}
