/*
 * study_link.c - which jobs of a study wait for which, and their order.
 */
#include "config.h"

#include "job/member.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "job/field.h"

static int
no_memory(struct moe_err *err)
{
    return moe_fail(err, MOE_ENOMEM, "study: out of memory");
}

int
members_wait(struct moe_err *err, struct member *member, const char *name)
{
    for (size_t i = 0; i < member->after.n; i++)
        if (strcmp(member->after.item[i], name) == 0)
            return MOE_OK;
    return job_strings_add(&member->after, name) ? MOE_OK : no_memory(err);
}

/* A name, the name of a whole sweep, or the number of a queued job. */
static int
link_name(struct moe_err *err, struct members *m, struct member *member,
          const struct job_node *node)
{
    const char *name = node->kind == JOB_SCALAR ? node->text : "";
    int rc = MOE_OK;
    bool found = false;
    for (size_t i = 0; !rc && i < m->n; i++)
        if (strcmp(m->v[i].name, name) == 0 ||
            strcmp(m->v[i].group, name) == 0) {
            rc = members_wait(err, member, m->v[i].name);
            found = true;
        }
    if (!found && *name && !name[strspn(name, "0123456789")])
        return members_wait(err, member, name);
    if (!found)
        return job_node_fail(err, &m->source, node, "after",
                             "'%.80s' is neither a job of this study nor the "
                             "number of a queued job",
                             name);
    return rc;
}

static int
link_after(struct moe_err *err, struct members *m, struct member *member)
{
    const struct job_node *after = job_node_find(&member->node, "after");
    if (!after)
        return MOE_OK;
    if (after->kind != JOB_LIST)
        return link_name(err, m, member, after);
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < after->n; i++)
        rc = link_name(err, m, member, &after->child[i]);
    return rc;
}

/* Put a field that the study decided on into the job. */
static int
set_scalar(struct moe_err *err, struct member *member, const char *key,
           const char *text)
{
    struct job_node node = {.kind = JOB_SCALAR,
                            .quoted = true,
                            .line = member->node.line,
                            .key = str_copy(key),
                            .text = str_copy(text)};
    int rc = node.key && node.text ? job_node_set(err, &member->node, &node)
                                   : no_memory(err);
    job_node_free(&node);
    return rc;
}

static int
set_after(struct moe_err *err, struct member *member)
{
    struct job_node list = {
        .kind = JOB_LIST, .line = member->node.line, .key = str_copy("after")};
    int rc = list.key ? MOE_OK : no_memory(err);
    for (size_t i = 0; !rc && i < member->after.n; i++) {
        struct job_node *item = job_node_add(&list);
        if (!item || !(item->text = str_copy(member->after.item[i])))
            rc = no_memory(err);
        else
            item->kind = JOB_SCALAR;
    }
    if (!rc && member->after.n)
        rc = job_node_set(err, &member->node, &list);
    job_node_free(&list);
    return rc;
}

int
members_link(struct moe_err *err, struct members *m)
{
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < m->n; i++) {
        struct member *member = &m->v[i];
        rc = link_after(err, m, member);
        if (!rc)
            rc = members_substitute(err, m, member, &member->node);
        if (!rc)
            rc = set_scalar(err, member, "name", member->name);
        if (!rc)
            rc = set_scalar(err, member, "out", member->out);
        if (!rc)
            rc = set_after(err, member);
    }
    return rc;
}

/* Is everything that it waits for in the order, or not of this study? */
static bool
is_ready(const struct members *m, const struct member *member)
{
    for (size_t i = 0; i < member->after.n; i++) {
        const struct member *other = members_find(m, member->after.item[i]);
        if (other && !other->placed)
            return false;
    }
    return true;
}

int
members_order(struct moe_err *err, struct members *m)
{
    struct member *sorted = mem_zero(m->n, sizeof *sorted);
    size_t *from = mem_zero(m->n, sizeof *from), n = 0;
    int rc = sorted && from ? MOE_OK : no_memory(err);
    while (!rc && n < m->n) {
        size_t i = 0;
        while (i < m->n && (m->v[i].placed || !is_ready(m, &m->v[i])))
            i++;
        if (i < m->n) {
            m->v[i].placed = true;
            from[n++] = i;
            continue;
        }
        for (i = 0; m->v[i].placed; i++)
            ;
        rc = job_node_fail(err, &m->source, &m->v[i].node, "after",
                           "%s waits for itself, by way of others",
                           m->v[i].name);
    }
    if (!rc) {
        for (size_t i = 0; i < n; i++)
            sorted[i] = m->v[from[i]];
        memcpy(m->v, sorted, n * sizeof *sorted);
    }
    free(sorted);
    free(from);
    return rc;
}
