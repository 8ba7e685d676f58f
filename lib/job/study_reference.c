/*
 * study_reference.c - ${NAME.out} in the values of a study: the directory of a
 * job, or those of all jobs of a sweep.
 */
#include "config.h"

#include "job/member.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static int
no_memory(struct moe_err *err)
{
    return moe_fail(err, MOE_ENOMEM, "study: out of memory");
}

/* NAME of the "${NAME.out}" at `at`, for the caller to free; NULL for anything
 * else. */
static char *
referred(const char *at)
{
    const char *close = strchr(at, '}');
    size_t n = close ? (size_t)(close - at) : 0; // of "${NAME.out"
    return n > 6 && memcmp(close - 4, ".out", 4) == 0
               ? str_format("%.*s", (int)(n - 6), at + 2)
               : NULL;
}

/* The job that "${NAME.out}" at `at` names; *end is what follows. */
static int
find_reference(struct moe_err *err, struct members *m,
               const struct job_node *node, const char *at, const char **end,
               const struct member **out)
{
    const char *close = strchr(at, '}');
    char *name = referred(at);
    *out = name ? members_find(m, name) : NULL;
    free(name);
    *end = close ? close + 1 : at;
    return *out ? MOE_OK
                : job_node_fail(err, &m->source, node, node->key,
                                "'%.80s': only ${NAME.out} of a job of this "
                                "study can stand here",
                                at);
}

/* Put directories for every reference in a scalar. */
static int
substitute_text(struct moe_err *err, struct members *m, struct member *member,
                struct job_node *node)
{
    int rc = MOE_OK;
    struct str text = {0};
    const char *p = node->text;
    for (const char *at; !rc && (at = strstr(p, "${"));) {
        const struct member *other;
        str_add(&text, p, (size_t)(at - p));
        rc = find_reference(err, m, node, at, &p, &other);
        if (!rc) {
            str_puts(&text, other->out);
            rc = members_wait(err, member, other->name);
        }
    }
    str_puts(&text, p);
    char *whole = str_take(&text);
    if (!rc && !whole)
        rc = no_memory(err);
    if (rc) {
        free(whole);
        return rc;
    }
    free(node->text);
    node->text = whole;
    return MOE_OK;
}

/* Does a scalar begin with the directory of a whole sweep?  *rest is what
 * follows, and *group its name; the caller frees that whatever the answer. */
static bool
names_sweep(const struct members *m, const struct job_node *node, char **group,
            const char **rest)
{
    *group = NULL;
    if (node->kind != JOB_SCALAR || strncmp(node->text, "${", 2) != 0 ||
        !(*group = referred(node->text)))
        return false;
    *rest = strchr(node->text, '}') + 1;
    for (size_t i = 0; !members_find(m, *group) && i < m->n; i++)
        if (strcmp(m->v[i].group, *group) == 0)
            return true;
    return false;
}

/* "${MEMBER.out}REST" of each job of a sweep, at the end of a list. */
static int
add_sweep(struct moe_err *err, const struct members *m, struct job_node *list,
          const struct job_node *node, const char *group, const char *rest)
{
    for (size_t i = 0; i < m->n; i++) {
        if (strcmp(m->v[i].group, group) != 0)
            continue;
        struct job_node *item = job_node_add(list);
        if (!item ||
            !(item->text = str_format("${%s.out}%s", m->v[i].name, rest)))
            return no_memory(err);
        item->kind = JOB_SCALAR;
        item->quoted = true;
        item->line = node->line;
    }
    return MOE_OK;
}

/* Does a scalar, or a value of a list, name a sweep? */
static bool
any_sweep(const struct members *m, const struct job_node *value, size_t n)
{
    bool any = false;
    char *group;
    const char *rest;
    for (size_t i = 0; i < n; i++) {
        any |= names_sweep(m, &value[i], &group, &rest);
        free(group);
    }
    return any;
}

static int
add_value(struct moe_err *err, const struct members *m, struct job_node *list,
          const struct job_node *value)
{
    char *group;
    const char *rest;
    int rc = MOE_OK;
    if (names_sweep(m, value, &group, &rest))
        rc = add_sweep(err, m, list, value, group, rest);
    else {
        struct job_node *item = job_node_add(list);
        rc = item ? job_node_copy(err, item, value) : no_memory(err);
    }
    free(group);
    return rc;
}

/* A value becomes a list, or a list a longer one, where sweeps are named. */
static int
spread(struct moe_err *err, const struct members *m, struct job_node *node)
{
    const bool is_list = node->kind == JOB_LIST;
    const struct job_node *value = is_list ? node->child : node;
    const size_t n = is_list ? node->n : 1;
    struct job_node list = {.kind = JOB_LIST, .line = node->line};
    if (!any_sweep(m, value, n))
        return MOE_OK;
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < n; i++)
        rc = add_value(err, m, &list, &value[i]);
    if (!rc) {
        list.key = node->key;
        node->key = NULL;
        const struct job_node old = *node;
        *node = list;
        list = old;
    }
    job_node_free(&list);
    return rc;
}

int
members_substitute(struct moe_err *err, struct members *m,
                   struct member *member, struct job_node *node)
{
    int rc = node->kind == JOB_MAP ? MOE_OK : spread(err, m, node);
    for (size_t i = 0; !rc && i < node->n; i++)
        rc = members_substitute(err, m, member, &node->child[i]);
    return !rc && node->kind == JOB_SCALAR && strstr(node->text, "${")
               ? substitute_text(err, m, member, node)
               : rc;
}
