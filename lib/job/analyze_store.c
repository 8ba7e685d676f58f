/*
 * analyze_store.c - what is kept of a part of an analysis that is done.
 */
#include "config.h"

#include "job/analyze.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"

static char *
path_of(const struct job_run *run, const char *what, size_t i)
{
    return str_format("%s/checkpoints/%s-%03zu.json", run->out_dir, what, i);
}

/* Of the language's files, and of the pivot's when it is compared with that.
 */
static int
identity(struct moe_err *err, char hex[HASH_HEX], const struct job_run *run,
         const struct job_language *language, const struct job_language *pivot)
{
    char other[HASH_HEX];
    struct hash h;
    int rc = job_identity(err, hex, run, &language->files);
    if (rc || !pivot)
        return rc;
    rc = job_identity(err, other, run, &pivot->files);
    hash_begin(&h);
    hash_add_text(&h, hex);
    hash_add_text(&h, other);
    hash_end(&h, hex);
    return rc;
}

static int
make_dir(struct moe_err *err, const struct job_run *run)
{
    char *dir = str_path(run->out_dir, "checkpoints");
    int rc = dir ? fs_mkdirs(err, dir, 0777)
                 : moe_fail(err, MOE_ENOMEM, "%s", run->out_dir);
    free(dir);
    return rc;
}

/* ---- JSON with an identity ----------------------------------------------- */

/* Takes the reference. */
static int
write_part(struct moe_err *err, const struct job_run *run, const char *what,
           size_t i, const char *hex, json_t *value)
{
    char *path = path_of(run, what, i);
    json_t *root = json_pack("{s:s, s:o}", "identity", hex, what, value);
    int rc = path && root
                 ? json_write_sealed(err, root, path)
                 : moe_fail(err, MOE_ENOMEM, "%s: out of memory", run->out_dir);
    json_decref(root);
    free(path);
    return rc;
}

/* *root has the file, *value what it holds of `what`; *root is to be given
 * back after success. */
static int
read_part(struct moe_err *err, json_t **root, const json_t **value,
          const struct job_run *run, const char *what, size_t i,
          const char *hex)
{
    char *path = path_of(run, what, i);
    *root = NULL;
    int rc = path ? json_read_sealed(err, root, path)
                  : moe_fail(err, MOE_ENOMEM, "%s", run->out_dir);
    free(path);
    if (rc)
        return rc;
    const char *found = json_string_value(json_object_get(*root, "identity"));
    *value = json_object_get(*root, what);
    if (found && strcmp(found, hex) == 0 && *value)
        return MOE_OK;
    json_decref(*root);
    return moe_fail(err, MOE_ESTATE, "%s of another analysis", what);
}

/* ---- A language ---------------------------------------------------------- */

static int
save_counters(struct moe_err *err, const struct analysis *a, size_t i,
              const char *hex)
{
    struct moe_routing_language *borrowed[1] = {a->table.language[i]};
    const struct moe_routing one = {a->table.L, a->table.E, a->table.K, 1,
                                    borrowed};
    char *path = path_of(a->run, "routing", i);
    int rc = path ? moe_routing_save(err, &one, path, hex)
                  : moe_fail(err, MOE_ENOMEM, "%s", a->run->out_dir);
    free(path);
    return rc;
}

/* The file of the counters comes last: it says that the other is there. */
int
analyze_save(struct moe_err *err, const struct analysis *a, size_t i)
{
    char hex[HASH_HEX];
    int rc = make_dir(err, a->run);
    if (!rc)
        rc = identity(err, hex, a->run, a->part[i].language, NULL);
    if (!rc)
        rc = write_part(err, a->run, "usage", i, hex,
                        usage_pack(&a->part[i].usage));
    return rc ? rc : save_counters(err, a, i, hex);
}

static int
load_counters(struct moe_err *err, struct analysis *a, size_t i,
              const char *hex)
{
    struct moe_routing saved;
    char *path = path_of(a->run, "routing", i);
    int rc = path ? moe_routing_load(err, &saved, path, hex)
                  : moe_fail(err, MOE_ENOMEM, "%s", a->run->out_dir);
    free(path);
    if (rc)
        return rc;
    if (saved.n != 1 ||
        strcmp(saved.language[0]->name, a->part[i].language->name) != 0)
        rc = moe_fail(err, MOE_ESTATE, "routing of another language");
    if (!rc)
        rc = moe_routing_merge(err, &a->table, &saved);
    moe_routing_free(&saved);
    return rc;
}

int
analyze_load(struct moe_err *err, struct analysis *a, size_t i)
{
    char hex[HASH_HEX];
    json_t *root;
    const json_t *value;
    struct usage *u = &a->part[i].usage;
    int rc = identity(err, hex, a->run, a->part[i].language, NULL);
    if (!rc)
        rc = read_part(err, &root, &value, a->run, "usage", i, hex);
    if (rc)
        return rc;
    if (!(rc = usage_unpack(err, u, value, "usage")))
        rc = load_counters(err, a, i, hex);
    if (rc)
        usage_clear(u);
    json_decref(root);
    return rc;
}

/* ---- A section ----------------------------------------------------------- */

static const struct job_language *
compared_with(const struct analysis *a)
{
    return a->section[a->pivot].language;
}

int
analyze_save_section(struct moe_err *err, const struct analysis *a, size_t i)
{
    char hex[HASH_HEX];
    const struct analyze_section *x = &a->section[i];
    int rc = make_dir(err, a->run);
    if (!rc)
        rc = identity(err, hex, a->run, x->language, compared_with(a));
    return rc ? rc
              : write_part(err, a->run, "parallel", i, hex,
                           parallel_pack(&x->sums));
}

int
analyze_load_section(struct moe_err *err, struct analysis *a, size_t i)
{
    char hex[HASH_HEX];
    json_t *root;
    const json_t *value;
    struct analyze_section *x = &a->section[i];
    int rc = identity(err, hex, a->run, x->language, compared_with(a));
    if (!rc)
        rc = read_part(err, &root, &value, a->run, "parallel", i, hex);
    if (rc)
        return rc;
    rc = parallel_unpack(err, &x->sums, value, "parallel");
    json_decref(root);
    return rc;
}

/* ---- Metrics ------------------------------------------------------------- */

void
analyze_report(struct job_run *run, const struct moe_routing_language *p,
               double seconds)
{
    json_t *line = json_pack(
        "{s:s, s:s, s:I, s:I}", "event", "language", "language", p->name,
        "tokens", (json_int_t)p->tokens, "documents", (json_int_t)p->documents);
    if (p->predicted)
        json_object_set_new(line, "nll",
                            json_real(p->nll / (double)p->predicted));
    if (seconds < 0) {
        json_object_set_new(line, "resumed", json_true());
        job_logf(run, MOE_LOG_INFO, "%s: %" PRIu64 " tokens counted before",
                 p->name, p->tokens);
    } else {
        double rate = seconds > 0 ? (double)p->tokens / seconds : 0;
        json_object_set_new(line, "seconds", json_real(seconds));
        json_object_set_new(line, "tokens_per_s", json_real(rate));
        job_logf(run, MOE_LOG_INFO,
                 "%s: %" PRIu64 " tokens, %" PRIu64 " documents, %.0f "
                 "tokens/s",
                 p->name, p->tokens, p->documents, rate);
    }
    job_metric(run, line);
}
