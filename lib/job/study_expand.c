/*
 * study_expand.c - the jobs of a study: shared fields, overrides, sweeps,
 * names.
 */
#include "config.h"

#include "job/member.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "job/field.h"
#include "job/study.h"

static int
no_memory(struct moe_err *err)
{
    return moe_fail(err, MOE_ENOMEM, "study: out of memory");
}

static void
member_free(struct member *member)
{
    job_node_free(&member->node);
    job_strings_free(&member->after);
    free(member->name);
    free(member->group);
    free(member->out);
}

void
members_free(struct members *m)
{
    for (size_t i = 0; i < m->n; i++)
        member_free(&m->v[i]);
    free(m->v);
    m->v = NULL;
    m->n = m->cap = 0;
}

struct member *
members_find(const struct members *m, const char *name)
{
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->v[i].name, name) == 0)
            return &m->v[i];
    return NULL;
}

/* Names become parts of paths and of ${NAME.out}. */
static int
check_name(struct moe_err *err, const struct members *m,
           const struct job_node *node, const char *name)
{
    bool good = *name && *name != '.' && strlen(name) <= JOB_NAME_BYTES;
    for (const char *p = name; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f || strchr("/${}", *p))
            good = false;
    if (!good)
        return job_node_fail(err, &m->source, node, "jobs",
                             "'%.80s' is no name of a job: 1 to %d bytes, no "
                             "'/', '$', braces, or '.' at its start",
                             name, JOB_NAME_BYTES);
    if (members_find(m, name))
        return job_node_fail(err, &m->source, node, "jobs",
                             "two jobs are called '%s'", name);
    return MOE_OK;
}

/* Add one job; takes `name`. */
static int
add_member(struct moe_err *err, struct members *m, const struct job_node *node,
           const char *group, char *name)
{
    if (!name)
        return no_memory(err);
    int rc = check_name(err, m, node, name);
    if (!rc && m->n >= JOB_STUDY_MAX)
        rc = job_node_fail(err, &m->source, node, "jobs",
                           "more than %d jobs in a study", JOB_STUDY_MAX);
    struct member *grown =
        rc ? NULL : mem_grow(m->v, &m->cap, m->n + 1, sizeof *grown);
    if (!rc && !grown)
        rc = no_memory(err);
    if (rc) {
        free(name);
        return rc;
    }
    m->v = grown;
    struct member *member = &grown[m->n++];
    *member = (struct member){.name = name, .group = str_copy(group)};
    return member->group ? job_node_copy(err, &member->node, node)
                         : no_memory(err);
}

/* "-256" for a value that is a plain word, else "-2" by its place. */
static void
add_suffix(struct str *name, const struct job_node *value, size_t place)
{
    bool plain = value->kind == JOB_SCALAR && strlen(value->text) <= 24;
    for (const char *p = plain ? value->text : ""; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
            plain = false;
    if (plain)
        str_printf(name, "-%s", value->text);
    else
        str_printf(name, "-%zu", place + 1);
}

/* The job with the values of combination `index` of its sweep. */
static int
add_combination(struct moe_err *err, struct members *m,
                const struct job_node *node, const struct job_node *sweep,
                const char *group, size_t index)
{
    struct job_node copy, value;
    struct str name = {0};
    int rc = job_node_copy(err, &copy, node);
    str_puts(&name, group);
    /* The last field runs fastest, as in nested loops. */
    size_t block = 1;
    for (size_t i = 0; i < sweep->n; i++)
        block *= sweep->child[i].n;
    for (size_t i = 0; !rc && i < sweep->n; i++) {
        const struct job_node *field = &sweep->child[i];
        block /= field->n;
        size_t place = index / block % field->n;
        add_suffix(&name, &field->child[place], place);
        rc = job_node_copy(err, &value, &field->child[place]);
        if (!rc && !(value.key = str_copy(field->key)))
            rc = no_memory(err);
        if (!rc)
            rc = job_node_set(err, &copy, &value);
        job_node_free(&value);
    }
    char *text = str_take(&name);
    if (!rc)
        rc = add_member(err, m, &copy, group, text);
    else
        free(text);
    job_node_free(&copy);
    return rc;
}

/* How many combinations, each field a list with something in it. */
static int
count_combinations(struct moe_err *err, const struct members *m,
                   const struct job_node *sweep, size_t *out)
{
    *out = 1;
    if (sweep->kind != JOB_MAP || !sweep->n)
        return job_node_fail(err, &m->source, sweep, "sweep",
                             "a map from field to a list of values is wanted");
    for (size_t i = 0; i < sweep->n; i++) {
        const struct job_node *field = &sweep->child[i];
        if (field->kind != JOB_LIST || !field->n)
            return job_node_fail(err, &m->source, field, "sweep",
                                 "%s needs a list of values", field->key);
        if (field->n > JOB_STUDY_MAX || *out > JOB_STUDY_MAX / field->n)
            return job_node_fail(err, &m->source, field, "sweep",
                                 "more than %d jobs", JOB_STUDY_MAX);
        *out *= field->n;
    }
    return MOE_OK;
}

static void
remove_key(struct job_node *map, const char *key)
{
    struct job_node *at = job_node_find(map, key);
    if (!at)
        return;
    job_node_free(at);
    *at = map->child[--map->n];
}

static int
expand_job(struct moe_err *err, struct members *m, struct job_node *node,
           const char *name)
{
    const struct job_node *at = job_node_find(node, "sweep");
    struct job_node sweep;
    size_t n = 0;
    if (!at)
        return add_member(err, m, node, name, str_copy(name));
    int rc = count_combinations(err, m, at, &n);
    if (!rc)
        rc = job_node_copy(err, &sweep, at);
    if (rc)
        return rc;
    remove_key(node, "sweep");
    for (size_t i = 0; !rc && i < n; i++)
        rc = add_combination(err, m, node, &sweep, name, i);
    job_node_free(&sweep);
    return rc;
}

/* ---- Fields of several jobs ---------------------------------------------- */

/* What all jobs of a study share. */
struct shared {
    const struct job_node *root; // the fields beside `jobs`
    const char *const *set;      // of the command line
    size_t n_set;
    unsigned kinds; // of all jobs
};

/* The kind that a job would have, as a set of one; 0 where it has none, which
 * is found out later. */
static unsigned
kind_of(const struct job_node *job, const struct shared *s)
{
    const struct job_node *own = job_node_find(job, "kind");
    const struct job_node *node = own ? own : job_node_find(s->root, "kind");
    const char *word, *kind = node && node->text ? node->text : "";
    for (size_t i = 0; i < s->n_set; i++)
        if (strncmp(s->set[i], "kind=", 5) == 0)
            kind = s->set[i] + 5;
    const struct job_field *f = job_field_find("kind", JOB_EVERY_KIND);
    for (int k = 0; k < JOB_KINDS; k++)
        if (job_field_word(f, k, &word) == strlen(kind) &&
            strncmp(word, kind, strlen(kind)) == 0)
            return 1u << k;
    return 0;
}

/* A field that this kind lacks is for the jobs of the others; one that no job
 * has is left, to be refused. */
static bool
is_for(const struct shared *s, const char *name, unsigned kind)
{
    return !kind || job_field_known(name, kind) ||
           !job_field_known(name, s->kinds);
}

static int
assign(struct moe_err *err, struct job_node *out, const struct shared *s,
       const char *set, unsigned kind)
{
    char *name = str_format("%.*s", (int)strcspn(set, "="), set);
    int rc = !name                   ? no_memory(err)
             : is_for(s, name, kind) ? job_node_assign(err, out, "--set", set)
                                     : MOE_OK;
    free(name);
    return rc;
}

/* A job's own fields, then those beside `jobs`, then the command line's. */
static int
complete_job(struct moe_err *err, struct members *m, struct job_node *out,
             const struct job_node *job, const struct shared *s)
{
    if (job->kind != JOB_MAP)
        return job_node_fail(err, &m->source, job, job->key,
                             "a job is a map of fields");
    const struct job_node *name = job_node_find(job, "name");
    if (name)
        return job_node_fail(err, &m->source, name, "name",
                             "a job of a study is called by its key");
    const unsigned kind = kind_of(job, s);
    int rc = job_node_copy(err, out, job);
    for (size_t i = 0; !rc && i < s->root->n; i++) {
        const struct job_node *field = &s->root->child[i];
        if (strcmp(field->key, "jobs") != 0 &&
            !job_node_find(job, field->key) && is_for(s, field->key, kind))
            rc = job_node_set(err, out, field);
    }
    for (size_t i = 0; !rc && i < s->n_set; i++)
        rc = assign(err, out, s, s->set[i], kind);
    return rc;
}

int
members_expand(struct moe_err *err, struct members *m,
               const struct job_node *root, const char *const *set,
               size_t n_set)
{
    const struct job_node *jobs = job_node_find(root, "jobs");
    if (jobs->kind != JOB_MAP || !jobs->n)
        return job_node_fail(err, &m->source, jobs, "jobs",
                             "a map from name to job is wanted");
    struct shared shared = {.root = root, .set = set, .n_set = n_set};
    for (size_t i = 0; i < jobs->n; i++)
        shared.kinds |= kind_of(&jobs->child[i], &shared);
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < jobs->n; i++) {
        struct job_node node = {0};
        rc = complete_job(err, m, &node, &jobs->child[i], &shared);
        if (!rc)
            rc = expand_job(err, m, &node, jobs->child[i].key);
        job_node_free(&node);
    }
    return rc;
}

int
members_place(struct moe_err *err, struct members *m, const char *dir,
              const char *out_dir)
{
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < m->n; i++) {
        struct member *member = &m->v[i];
        const struct job_node *out = job_node_find(&member->node, "out");
        if (out && out->kind == JOB_SCALAR && strstr(out->text, "${"))
            return job_node_fail(err, &m->source, out, "out",
                                 "names another job's directory");
        if (out && out->kind == JOB_SCALAR)
            member->out =
                str_path(out->line == JOB_LINE_SET ? out_dir : dir, out->text);
        else
            member->out = str_format("%s/%s.out", out_dir, member->name);
        if (!member->out)
            rc = no_memory(err);
        for (size_t k = 0; !rc && k < i; k++)
            if (strcmp(m->v[k].out, member->out) == 0)
                rc = job_node_fail(err, &m->source, &member->node, "out",
                                   "%s and %s would both write to %s",
                                   m->v[k].name, member->name, member->out);
    }
    return rc;
}
