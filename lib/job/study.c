/*
 * study.c - a file of one or several jobs becomes specs in their order.
 */
#include "config.h"

#include "job/study.h"

#include <stdlib.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "job/field.h"
#include "job/member.h"

void
job_study_free(struct job_study *study)
{
    for (size_t i = 0; i < study->n; i++)
        job_spec_free(&study->job[i]);
    free(study->job);
    *study = (struct job_study){0};
}

/* Make {KEY: inner} of inner. */
static int
wrap(struct moe_err *err, struct job_node *inner, char *key)
{
    struct job_node outer = {.kind = JOB_MAP, .line = inner->line};
    struct job_node *child = key ? job_node_add(&outer) : NULL;
    if (!child) {
        free(key);
        return moe_fail(err, MOE_ENOMEM, "study: out of memory");
    }
    *child = *inner;
    child->key = key;
    *inner = outer;
    return MOE_OK;
}

static int
bind_members(struct moe_err *err, struct members *m, struct job_study *out,
             const char *dir)
{
    const char **later = mem_zero(m->n, sizeof *later);
    out->job = mem_zero(m->n, sizeof *out->job);
    int rc = later && out->job
                 ? MOE_OK
                 : moe_fail(err, MOE_ENOMEM, "study: out of memory");
    for (size_t i = 0; !rc && i < m->n; i++) {
        rc = job_spec_bind(err, &m->source, &m->v[i].node, &out->job[i]);
        if (rc)
            break;
        out->n++;
        later[i] = m->v[i].out;
        rc = job_spec_resolve(err, &out->job[i], dir, later, i);
    }
    free(later);
    return rc;
}

static int
read_study(struct moe_err *err, struct job_study *out,
           const struct job_node *root, const char *path, const char *dir,
           const char *const *set, size_t n_set, const char *out_dir)
{
    struct members m = {.source = {.name = path}};
    int rc = members_expand(err, &m, root, set, n_set);
    if (!rc)
        rc = members_place(err, &m, dir, out_dir);
    if (!rc)
        rc = members_link(err, &m);
    if (!rc)
        rc = members_order(err, &m);
    if (!rc)
        rc = bind_members(err, &m, out, dir);
    members_free(&m);
    return rc;
}

static int
read_single(struct moe_err *err, struct job_study *out, struct job_node *root,
            const char *path, const char *dir, const char *const *set,
            size_t n_set, const char *out_dir)
{
    struct job_source source = {.name = path};
    int rc = MOE_OK;
    if (!(out->job = mem_zero(1, sizeof *out->job)))
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    for (size_t i = 0; !rc && i < n_set; i++)
        rc = job_node_assign(err, root, "--set", set[i]);
    if (!rc)
        rc = job_spec_bind(err, &source, root, out->job);
    if (rc)
        return rc;
    out->n = 1;
    if (out_dir) {
        free(out->job->out);
        if (!(out->job->out = str_copy(out_dir)))
            return moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    }
    return job_spec_resolve(err, out->job, dir, NULL, 0);
}

/* The directory of the file and the one for results, both absolute. */
static int
find_directories(struct moe_err *err, const char *path, const char *out_dir,
                 char **dir, char **base)
{
    char *near = fs_dirname(path), *here = NULL;
    *dir = *base = NULL;
    int rc = near ? fs_realpath(err, dir, near)
                  : moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    if (!rc)
        rc = fs_realpath(err, &here, ".");
    if (!rc && !(*base = out_dir ? str_path(here, out_dir) : str_copy(here)))
        rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    free(near);
    free(here);
    return rc;
}

int
job_study_read(struct moe_err *err, struct job_study *out, const char *path,
               const char *const *set, size_t n_set, const char *out_dir)
{
    struct job_source source = {.name = path};
    struct job_node root = {0};
    char *text = NULL, *dir = NULL, *base = NULL;
    size_t n;
    *out = (struct job_study){0};
    int rc = fs_read(err, &text, &n, path, JOB_TEXT_BYTES);
    if (!rc)
        rc = job_node_yaml(err, &source, &root, text, n);
    if (!rc)
        rc = find_directories(err, path, out_dir, &dir, &base);
    /* A sweep of one job is a study of one job. */
    if (!rc && job_node_find(&root, "sweep") && !job_node_find(&root, "jobs")) {
        rc = wrap(err, &root, job_stem(path));
        if (!rc)
            rc = wrap(err, &root, str_copy("jobs"));
    }
    out->several = !rc && job_node_find(&root, "jobs");
    if (!rc && out->several)
        rc = read_study(err, out, &root, path, dir, set, n_set, base);
    else if (!rc)
        rc = read_single(err, out, &root, path, dir, set, n_set,
                         out_dir ? base : NULL);
    job_node_free(&root);
    free(text);
    free(dir);
    free(base);
    if (rc)
        job_study_free(out);
    return rc;
}
