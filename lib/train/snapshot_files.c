/*
 * snapshot_files.c - the folders of a run: which there are, are they whole,
 * which may go.
 */
#include "config.h"

#include "train/snapshot_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

static const char PREFIX[] = "step-", TEMPORARY[] = ".step-";

char *
snapshot_dir(const char *run_dir, uint64_t step)
{
    return str_format("%s/checkpoints/%s%08" PRIu64, run_dir, PREFIX, step);
}

char *
snapshot_hidden_dir(const char *run_dir, uint64_t step)
{
    return str_format("%s/checkpoints/%s%08" PRIu64, run_dir, TEMPORARY, step);
}

/* "step-00000100": its number; false for anything else. */
static bool
parse_name(const char *name, uint64_t *step)
{
    char *end;
    size_t n = sizeof PREFIX - 1;
    if (strncmp(name, PREFIX, n) != 0 || name[n] < '0' || name[n] > '9')
        return false;
    errno = 0;
    *step = strtoull(name + n, &end, 10);
    return *end == '\0' && errno == 0;
}

static int
compare_steps(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

int
snapshot_list(struct moe_err *err, uint64_t **steps, size_t *n,
              const char *run_dir)
{
    char **names = NULL, *dir = str_path(run_dir, "checkpoints");
    size_t count = 0;
    int rc = MOE_OK;
    *steps = NULL;
    *n = 0;
    if (!dir)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", run_dir);
    if (fs_exists(dir))
        rc = fs_list(err, &names, &count, dir, "");
    if (!rc && !(*steps = mem_zero(count, sizeof **steps)))
        rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", run_dir);
    for (size_t i = 0; !rc && i < count; i++)
        *n += parse_name(names[i], &(*steps)[*n]);
    if (*n)
        qsort(*steps, *n, sizeof **steps, compare_steps);
    fs_list_free(names, count);
    free(dir);
    return rc;
}

/* SHA-256 over a state object without its own "sum". */
static int
sum_of(struct moe_err *err, char hex[HASH_HEX], json_t *root, const char *path)
{
    struct hash h;
    json_t *plain = json_copy(root);
    if (plain)
        json_object_del(plain, "sum");
    char *text =
        plain ? json_dumps(plain, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(plain);
    if (!text)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    hash_begin(&h);
    hash_add_text(&h, text);
    hash_end(&h, hex);
    free(text);
    return MOE_OK;
}

int
snapshot_write_state(struct moe_err *err, const char *dir, json_t *root)
{
    char hex[HASH_HEX], *path = str_path(dir, "state.json");
    if (!path || !root) {
        free(path);
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
    }
    int rc = sum_of(err, hex, root, path);
    if (!rc && json_object_set_new(root, "sum", json_string(hex)))
        rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    if (!rc)
        rc = json_write(err, root, path);
    free(path);
    return rc;
}

int
snapshot_read_state(struct moe_err *err, const char *dir, json_t **root)
{
    char hex[HASH_HEX], *path = str_path(dir, "state.json");
    *root = NULL;
    if (!path)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
    int rc = json_read(err, root, path);
    json_int_t format = json_integer_value(json_object_get(*root, "format"));
    const char *sum = json_string_value(json_object_get(*root, "sum"));
    if (!rc && format != SNAPSHOT_FORMAT)
        rc = moe_fail(err, MOE_EFORMAT,
                      "%s: format %" JSON_INTEGER_FORMAT
                      ", this version reads %d",
                      path, format, SNAPSHOT_FORMAT);
    if (!rc)
        rc = sum_of(err, hex, *root, path);
    if (!rc && (!sum || strcmp(sum, hex) != 0))
        rc = moe_fail(err, MOE_EFORMAT,
                      "%s: damaged: its SHA-256 is %.16s..., want %.16s...",
                      path, hex, sum ? sum : "a sum");
    if (rc) {
        json_decref(*root);
        *root = NULL;
    }
    free(path);
    return rc;
}

static int
verify_file(struct moe_err *err, const char *dir, const char *name,
            const char *want)
{
    char hex[HASH_HEX], *path = str_path(dir, name);
    if (!path || !want) {
        free(path);
        return moe_fail(err, MOE_EFORMAT, "%s/state.json: no sum of %s", dir,
                        name);
    }
    int rc = hash_file(err, hex, path);
    if (!rc && strcmp(hex, want) != 0)
        rc = moe_fail(err, MOE_EFORMAT,
                      "%s: damaged: its SHA-256 is %.16s..., want %.16s...",
                      path, hex, want);
    free(path);
    return rc;
}

int
snapshot_verify(struct moe_err *err, const char *dir)
{
    json_t *root, *sum;
    const char *name;
    int rc = snapshot_read_state(err, dir, &root);
    json_t *files = json_object_get(root, "files");
    if (!rc && json_object_size(files) == 0)
        rc = moe_fail(err, MOE_EFORMAT, "%s/state.json: no 'files'", dir);
    json_object_foreach(files, name, sum) rc =
        rc ? rc : verify_file(err, dir, name, json_string_value(sum));
    json_decref(root);
    return rc;
}

/* Take a snapshot out of sight before its files go: a folder that is there is
 * complete, also when this is cut short. */
static int
remove_snapshot(struct moe_err *err, const char *run_dir, uint64_t step)
{
    char *dir = snapshot_dir(run_dir, step);
    char *hidden = snapshot_hidden_dir(run_dir, step);
    int rc = dir && hidden
                 ? MOE_OK
                 : moe_fail(err, MOE_ENOMEM, "%s: out of memory", run_dir);
    if (!rc && fs_is_dir(hidden))
        rc = fs_remove_dir(err, hidden);
    if (!rc && rename(dir, hidden) < 0)
        rc = moe_fail(err, MOE_EIO, "%s: %s", dir, strerror(errno));
    if (!rc)
        rc = fs_remove_dir(err, hidden);
    free(dir);
    free(hidden);
    return rc;
}

static bool
kept(const struct snapshot_policy *keep, const uint64_t *steps, size_t n,
     size_t i)
{
    if (steps[i] > keep->newest)
        return false;
    while (n > 0 && steps[n - 1] > keep->newest)
        n--;
    return i + keep->last >= n || steps[i] == keep->best ||
           (keep->every && steps[i] % keep->every == 0);
}

/* What a killed writer left: hidden folders, which no writer uses now. */
static int
remove_leftovers(struct moe_err *err, const char *run_dir)
{
    char **names, *dir = str_path(run_dir, "checkpoints");
    size_t n;
    if (!dir)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", run_dir);
    int rc = fs_list(err, &names, &n, dir, "");
    for (size_t i = 0; !rc && i < n; i++)
        if (strncmp(names[i], TEMPORARY, sizeof TEMPORARY - 1) == 0) {
            char *path = str_path(dir, names[i]);
            rc = path ? fs_remove_dir(err, path)
                      : moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
            free(path);
        }
    fs_list_free(names, n);
    free(dir);
    return rc;
}

int
snapshot_prune(struct moe_err *err, const char *run_dir,
               const struct snapshot_policy *keep)
{
    uint64_t *steps;
    size_t n;
    int rc = snapshot_list(err, &steps, &n, run_dir);
    for (size_t i = 0; !rc && i < n; i++)
        if (!kept(keep, steps, n, i))
            rc = remove_snapshot(err, run_dir, steps[i]);
    free(steps);
    return rc ? rc : remove_leftovers(err, run_dir);
}
