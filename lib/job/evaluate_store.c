/*
 * evaluate_store.c - the items of a part in a file, and back.
 */
#include "config.h"

#include "job/evaluate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"

char *
part_items_path(const char *out_dir, const struct part *p)
{
    char *language = str_copy(p->language->name);
    for (char *s = language; s && *s; s++)
        if (*s == '/')
            *s = '_';
    char *path = language ? str_format("%s/results/items/%s.%s.jsonl", out_dir,
                                       p->name, language)
                          : NULL;
    free(language);
    return path;
}

static char *
counters_path(const struct evaluation *e, const struct part *p)
{
    return str_format("%s/checkpoints/evaluate-%03zu.json", e->run->out_dir,
                      (size_t)(p - e->part));
}

static int
make_dirs(struct moe_err *err, const struct evaluation *e)
{
    char *items = str_path(e->run->results_dir, "items");
    char *checkpoints = str_path(e->run->out_dir, "checkpoints");
    int rc = items && checkpoints
                 ? fs_mkdirs(err, items, 0777)
                 : moe_fail(err, MOE_ENOMEM, "evaluate: out of memory");
    if (!rc)
        rc = fs_mkdirs(err, checkpoints, 0777);
    free(items);
    free(checkpoints);
    return rc;
}

static int
write_items(struct moe_err *err, const struct part *p, const char *path)
{
    struct fs_writer w = {0};
    int rc = fs_create(err, &w, path);
    for (size_t i = 0; !rc && i < p->ask.outcome.n; i++) {
        json_t *line = outcome_line(&p->ask.outcome, i);
        json_t *more = json_array_get(p->ask.detail, i);
        if (more)
            json_object_update(line, more);
        char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(17));
        json_decref(line);
        if (!text)
            rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
        if (!rc)
            rc = fs_put(err, &w, text, strlen(text));
        if (!rc)
            rc = fs_put(err, &w, "\n", 1);
        free(text);
    }
    if (!rc)
        return fs_commit(err, &w);
    fs_abort(&w);
    return rc;
}

/* What is not in the items. */
static json_t *
counters(const struct part *p, const char *identity)
{
    const struct outcome *o = &p->ask.outcome;
    return json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "identity",
        identity, "ties", (json_int_t)o->ties, "truncated",
        (json_int_t)o->truncated, "truncated_tokens",
        (json_int_t)o->truncated_tokens, "too_long", (json_int_t)o->too_long,
        "invalid", (json_int_t)o->invalid, "left_out", (json_int_t)o->left_out,
        "window", (json_int_t)o->window, "tokens", (json_int_t)p->ask.tokens,
        "requested", (json_int_t)p->ask.requested, "seconds", p->seconds);
}

int
part_save(struct moe_err *err, const struct evaluation *e, const struct part *p)
{
    char hex[HASH_HEX];
    char *path = part_items_path(e->run->out_dir, p);
    char *beside = counters_path(e, p);
    json_t *root = NULL;
    int rc = path && beside
                 ? make_dirs(err, e)
                 : moe_fail(err, MOE_ENOMEM, "evaluate: out of memory");
    if (!rc)
        rc = job_identity(err, hex, e->run, &p->language->files);
    if (!rc)
        rc = write_items(err, p, path);
    if (!rc && !(root = counters(p, hex)))
        rc = moe_fail(err, MOE_ENOMEM, "evaluate: out of memory");
    if (!rc)
        rc = json_write(err, root, beside);
    json_decref(root);
    free(path);
    free(beside);
    return rc;
}

static uint64_t
number(const json_t *root, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(root, key));
}

static void
take_counters(struct part *p, const json_t *root)
{
    struct outcome *o = &p->ask.outcome;
    o->ties = number(root, "ties");
    o->truncated = number(root, "truncated");
    o->truncated_tokens = number(root, "truncated_tokens");
    o->too_long = number(root, "too_long");
    o->invalid = number(root, "invalid");
    o->left_out = number(root, "left_out");
    o->window = (int64_t)number(root, "window");
    p->ask.tokens = number(root, "tokens");
    p->ask.requested = number(root, "requested");
    p->seconds = json_real_value(json_object_get(root, "seconds"));
}

int
part_load(struct moe_err *err, const struct evaluation *e, struct part *p)
{
    char hex[HASH_HEX];
    char *path = part_items_path(e->run->out_dir, p);
    char *beside = counters_path(e, p);
    json_t *root = NULL;
    int rc = path && beside ? json_read(err, &root, beside)
                            : moe_fail(err, MOE_ENOMEM, "out of memory");
    if (!rc)
        rc = job_identity(err, hex, e->run, &p->language->files);
    const char *found = json_string_value(json_object_get(root, "identity"));
    if (!rc && (!found || strcmp(found, hex) != 0))
        rc = moe_fail(err, MOE_EFORMAT, "%s: of other inputs", beside);
    if (!rc)
        rc = outcome_read(err, &p->ask.outcome, path);
    if (!rc)
        take_counters(p, root);
    json_decref(root);
    free(path);
    free(beside);
    return rc;
}
