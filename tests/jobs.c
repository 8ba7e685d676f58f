/*
 * jobs.c - a job run from its spec in text, and the files that it wrote.
 */
#include "config.h"

#include "tests/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "job/spec.h"

static void
see(void *arg, const struct moe_progress *p)
{
    struct jobs_watch *w = arg;
    ck_assert(p->done <= p->total);
    if (w->phase && strcmp(p->phase, w->phase) == 0 && p->done >= w->done &&
        (!w->item || strcmp(p->item, w->item) == 0))
        w->seen = true;
}

static bool
stop(void *arg)
{
    struct jobs_watch *w = arg;
    w->asked++;
    w->after += w->seen;
    return w->seen;
}

struct job_sink
jobs_stop(struct jobs_watch *w)
{
    return (struct job_sink){.progress = see, .stopping = stop, .arg = w};
}

int
jobs_run(struct moe_err *err, const char *text, const char *base,
         const char *out, const struct job_sink *sink)
{
    struct jobs_watch unused = {0};
    struct job_spec spec;
    struct job_env env = {.out_dir = support_path(out),
                          .sink = sink ? *sink : jobs_stop(&unused)};
    int rc = job_spec_parse(err, &spec, text, strlen(text), "test", NULL, 0);
    if (!rc)
        rc = job_spec_resolve(err, &spec, base, NULL, 0);
    if (!rc)
        rc = job_run(err, &spec, &env);
    job_spec_free(&spec);
    return rc;
}

void
jobs_refuse(const char *text, const char *base, int code, const char *part)
{
    static unsigned number;
    struct moe_err err = {0};
    char out[32];
    snprintf(out, sizeof out, "refused%u", number++);
    int rc = jobs_run(&err, text, base, out, NULL);
    ck_fails(&err, rc, code, part);
    ck_assert_ptr_null(strchr(err.text, '\n'));
    ck_assert(!jobs_have(out, "results/counts.csv"));
}

/* ---- Files --------------------------------------------------------------- */

static char *
path_of(const char *out, const char *name)
{
    return str_path(support_path(out), name);
}

char *
jobs_read(const char *out, const char *name, size_t *n)
{
    struct moe_err err = {0};
    char *path = path_of(out, name), *text;
    size_t unused;
    ck_ok(&err, fs_read(&err, &text, n ? n : &unused, path, 1 << 24));
    free(path);
    return text;
}

bool
jobs_have(const char *out, const char *name)
{
    char *path = path_of(out, name);
    const bool found = fs_exists(path);
    free(path);
    return found;
}

void
jobs_same(const char *a, const char *b, const char *name)
{
    size_t n, k;
    char *x = jobs_read(a, name, &n), *y = jobs_read(b, name, &k);
    ck_assert_msg(n == k && memcmp(x, y, n) == 0, "%s of %s and %s differ",
                  name, a, b);
    free(x);
    free(y);
}

void
jobs_same_results(const char *a, const char *b)
{
    struct moe_err err = {0};
    char **names[2];
    size_t n[2];
    for (int i = 0; i < 2; i++) {
        char *dir = path_of(i ? b : a, "results");
        ck_ok(&err, fs_list(&err, &names[i], &n[i], dir, ""));
        free(dir);
    }
    ck_assert_uint_eq(n[0], n[1]);
    ck_assert_uint_gt(n[0], 0);
    for (size_t i = 0; i < n[0]; i++) {
        char *name = str_path("results", names[0][i]);
        jobs_same(a, b, name);
        free(name);
    }
    fs_list_free(names[0], n[0]);
    fs_list_free(names[1], n[1]);
}

void
jobs_damage(const char *out, const char *name, bool cut)
{
    size_t n;
    char *text = jobs_read(out, name, &n), *path = path_of(out, name);
    char *digit = text + n / 2;
    while (digit > text && (*digit < '1' || *digit > '8'))
        digit--;
    ck_assert_ptr_ne(digit, text);
    ++*digit;
    support_write(path, text, cut ? n / 2 : n);
    free(path);
    free(text);
}

void
jobs_shard(const char *name, size_t tokens, unsigned first, unsigned ids,
           unsigned seed)
{
    unsigned char byte[1024];
    ck_assert_uint_le(2 * tokens, sizeof byte);
    for (size_t i = 0; i < tokens; i++) {
        seed = seed * 1103515245u + 12345u;
        byte[2 * i] = (unsigned char)(first + (seed >> 16) % ids);
        byte[2 * i + 1] = 0;
    }
    support_write(support_path(name), byte, 2 * tokens);
}
