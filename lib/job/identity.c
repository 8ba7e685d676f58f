/*
 * identity.c - what the results of a job are made from, as one hash.
 */
#include "config.h"

#include "job/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/str.h"
#include "io/overlay.h"

/* Folders in folders are looked into so far. */
enum { DEEPEST = 4 };

/* A file by name, size and time: enough to see that it was replaced. */
static void
add_file(struct hash *h, const char *path)
{
    char line[80];
    struct stat st = {0};
    if (path && stat(path, &st) == 0) {
        snprintf(line, sizeof line, "%" PRId64 " %" PRId64, (int64_t)st.st_size,
                 (int64_t)st.st_mtime);
        hash_add_text(h, path);
        hash_add_text(h, line);
    }
}

static int
add_path(struct moe_err *err, struct hash *h, const char *path, int depth)
{
    char **names;
    size_t n;
    if (!path || !fs_is_dir(path) || depth == DEEPEST) {
        add_file(h, path);
        return MOE_OK;
    }
    int rc = fs_list(err, &names, &n, path, "");
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < n; i++) {
        char *below = str_path(path, names[i]);
        rc = below ? add_path(err, h, below, depth + 1)
                   : moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
        free(below);
    }
    fs_list_free(names, n);
    return rc;
}

int
job_identity_model(struct moe_err *err, struct hash *h, const char *model)
{
    char *base = NULL;
    int rc = add_path(err, h, model, DEEPEST - 1);
    if (!rc && overlay_is(model))
        rc = overlay_base(err, &base, model);
    if (!rc && base)
        rc = add_path(err, h, base, DEEPEST - 1);
    free(base);
    return rc;
}

int
job_identity(struct moe_err *err, char hex[HASH_HEX], const struct job_run *run,
             const struct job_strings *files)
{
    const struct job_spec *spec = run->spec;
    struct hash h;
    struct str text = {0};
    int rc = MOE_OK;
    job_spec_text(&text, spec);
    char *s = str_take(&text);
    if (!s)
        return moe_fail(err, MOE_ENOMEM, "identity of a job: out of memory");
    hash_begin(&h);
    hash_add_text(&h, s);
    free(s);
    for (size_t k = 0; !rc && k < files->n; k++)
        rc = add_path(err, &h, files->item[k], 0);
    add_file(&h, spec->tokenizer);
    add_file(&h, spec->steer.from);
    if (!rc)
        rc = job_identity_model(err, &h, spec->model);
    if (!rc && spec->measures.against)
        rc = job_identity_model(err, &h, spec->measures.against);
    hash_end(&h, hex);
    return rc;
}
