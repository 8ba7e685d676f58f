/*
 * run_files.c - the directory of a run: may it be used, and its files.
 *
 * An unfinished run of the same spec is overwritten, so that a job which was
 * interrupted can be started again; anything else in the directory is the
 * user's and is left alone.
 */
#include "config.h"

#include "job/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"

enum { SPEC_BYTES = 1 << 22 };

/* OUT/name; NULL without memory. */
static char *
path_in(const struct job_run *run, const char *name)
{
    return str_path(run->out_dir, name);
}

/* Does OUT/spec.yaml hold exactly this text? */
static bool
same_spec(const struct job_run *run, const char *text)
{
    char *path = path_in(run, "spec.yaml"), *found = NULL;
    size_t n = 0;
    bool same = path && fs_exists(path) &&
                fs_read(NULL, &found, &n, path, SPEC_BYTES) == MOE_OK &&
                strcmp(found, text) == 0;
    free(found);
    free(path);
    return same;
}

/* Does run.json give this status? */
static bool
has_status(const struct job_run *run, const char *want)
{
    char *path = path_in(run, "run.json");
    json_t *record = NULL;
    bool read = path && json_read(NULL, &record, path) == MOE_OK;
    const char *status =
        read ? json_string_value(json_object_get(record, "status")) : NULL;
    bool same = status && strcmp(status, want) == 0;
    json_decref(record);
    free(path);
    return same;
}

/* Is there nothing in OUT/name, or no such directory? */
static bool
is_bare(const struct job_run *run, const char *name)
{
    char *path = path_in(run, name);
    bool bare = path && !fs_exists(path);
    if (path && !bare && fs_is_bare(NULL, &bare, path) != MOE_OK)
        bare = false;
    free(path);
    return bare;
}

/* A run that failed before it left anything worth keeping, such as one that
 * was refused: the corrected spec may take its place. */
static bool
left_nothing(const struct job_run *run)
{
    return has_status(run, "failed") && is_bare(run, "results") &&
           is_bare(run, "checkpoints") && is_bare(run, "model");
}

static int
claim(struct moe_err *err, const struct job_run *run, const char *text)
{
    bool bare = false;
    const char *dir = run->out_dir;
    int rc = fs_mkdirs(err, dir, 0777);
    if (!rc && access(dir, W_OK | X_OK) != 0)
        rc = moe_fail(err, MOE_EIO, "%s: %s", dir, strerror(errno));
    if (!rc)
        rc = fs_is_bare(err, &bare, dir);
    if (rc || bare)
        return rc;
    if (!same_spec(run, text) && !left_nothing(run))
        return moe_fail(err, MOE_EIO,
                        "%s: not empty; remove it or choose another directory",
                        dir);
    if (has_status(run, "done"))
        return moe_fail(err, MOE_EIO,
                        "%s: holds the finished run of this spec; remove it "
                        "or choose another directory",
                        dir);
    return MOE_OK;
}

static int
open_file(struct moe_err *err, FILE **out, const struct job_run *run,
          const char *name, const char *mode)
{
    char *path = path_in(run, name);
    if (!path)
        return moe_fail(err, MOE_ENOMEM, "job: out of memory");
    *out = fopen(path, mode);
    int rc =
        *out ? MOE_OK : moe_fail(err, MOE_EIO, "%s: %s", path, strerror(errno));
    free(path);
    return rc;
}

static int
write_spec(struct moe_err *err, const struct job_run *run, const char *text)
{
    char *path = path_in(run, "spec.yaml");
    int rc = path ? fs_write(err, path, text, strlen(text))
                  : moe_fail(err, MOE_ENOMEM, "job: out of memory");
    free(path);
    return rc;
}

/* What a killed run left half written. */
static int
sweep(struct moe_err *err, const struct job_run *run)
{
    static const char *const dirs[] = {"", "results", "init", "model"};
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < sizeof dirs / sizeof *dirs; i++) {
        char *path = path_in(run, dirs[i]);
        rc = path ? fs_sweep(err, path)
                  : moe_fail(err, MOE_ENOMEM, "job: out of memory");
        free(path);
    }
    return rc;
}

int
run_open_files(struct moe_err *err, struct job_run *run)
{
    struct str b = {0};
    job_spec_text(&b, run->spec);
    char *text = str_take(&b);
    if (!text || !(run->results_dir = path_in(run, "results"))) {
        free(text);
        return moe_fail(err, MOE_ENOMEM, "job: out of memory");
    }
    int rc = claim(err, run, text);
    if (!rc)
        rc = sweep(err, run);
    if (!rc)
        rc = write_spec(err, run, text); // first: it makes the directory ours
    if (!rc)
        rc = fs_mkdirs(err, run->results_dir, 0777);
    if (!rc)
        rc = open_file(err, &run->log, run, "log.txt", "a");
    if (!rc && fseek(run->log, 0, SEEK_END) == 0)
        run->log_bytes = (uint64_t)ftell(run->log); // a job that goes on
    if (!rc)
        rc = open_file(err, &run->metrics, run, "metrics.jsonl", "a");
    free(text);
    return rc;
}

/* Copy the lines of steps 0 to `step`; a line without a step goes. */
static void
copy_lines(FILE *from, FILE *to, uint64_t step)
{
    char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, from) > 0) {
        json_t *o = json_loads(line, 0, NULL);
        json_int_t at = json_integer_value(json_object_get(o, "step"));
        if (json_is_integer(json_object_get(o, "step")) && at >= 0 &&
            (uint64_t)at <= step)
            fputs(line, to);
        json_decref(o);
    }
    free(line);
}

int
job_metrics_keep(struct moe_err *err, struct job_run *run, uint64_t step)
{
    struct fs_writer w;
    FILE *old = NULL;
    char *path = path_in(run, "metrics.jsonl");
    int rc = path ? fs_create(err, &w, path)
                  : moe_fail(err, MOE_ENOMEM, "job: out of memory");
    if (!rc) {
        if (step && (old = fopen(path, "r"))) {
            copy_lines(old, w.f, step);
            fclose(old);
        }
        rc = fs_commit(err, &w);
    }
    if (!rc) {
        fclose(run->metrics);
        run->metrics = NULL;
        rc = open_file(err, &run->metrics, run, "metrics.jsonl", "a");
    }
    free(path);
    return rc;
}

void
run_close_files(struct job_run *run)
{
    if (run->log && fclose(run->log) != 0)
        run->lost = true;
    if (run->metrics && fclose(run->metrics) != 0)
        run->lost = true;
    run->log = run->metrics = NULL;
}
