/*
 * node.c - a small tree of values with the lines that they stand on.
 */
#include "job/node.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

void
job_node_free(struct job_node *node)
{
    for (size_t i = 0; i < node->n; i++)
        job_node_free(&node->child[i]);
    free(node->child);
    free(node->key);
    free(node->text);
    *node = (struct job_node){0};
}

struct job_node *
job_node_add(struct job_node *parent)
{
    struct job_node *grown =
        mem_grow(parent->child, &parent->cap, parent->n + 1, sizeof *grown);
    if (!grown)
        return NULL;
    parent->child = grown;
    struct job_node *node = &grown[parent->n++];
    *node = (struct job_node){0};
    return node;
}

struct job_node *
job_node_find(const struct job_node *map, const char *key)
{
    for (size_t i = 0; map->kind == JOB_MAP && i < map->n; i++)
        if (strcmp(map->child[i].key, key) == 0)
            return &map->child[i];
    return NULL;
}

int
job_node_copy(struct moe_err *err, struct job_node *out,
              const struct job_node *from)
{
    int rc = MOE_OK;
    *out = (struct job_node){
        .kind = from->kind, .quoted = from->quoted, .line = from->line};
    if ((from->key && !(out->key = str_copy(from->key))) ||
        (from->text && !(out->text = str_copy(from->text))))
        rc = moe_fail(err, MOE_ENOMEM, "job spec: out of memory");
    for (size_t i = 0; !rc && i < from->n; i++) {
        struct job_node *child = job_node_add(out);
        rc = child ? job_node_copy(err, child, &from->child[i])
                   : moe_fail(err, MOE_ENOMEM, "job spec: out of memory");
    }
    if (rc)
        job_node_free(out);
    return rc;
}

int
job_node_set(struct moe_err *err, struct job_node *map,
             const struct job_node *value)
{
    struct job_node copy;
    if (map->kind != JOB_MAP)
        return MOE_OK; // refused as a whole by its reader
    int rc = job_node_copy(err, &copy, value);
    if (rc)
        return rc;
    struct job_node *at = job_node_find(map, value->key);
    if (at)
        job_node_free(at);
    else if (!(at = job_node_add(map))) {
        job_node_free(&copy);
        return moe_fail(err, MOE_ENOMEM, "job spec: out of memory");
    }
    *at = copy;
    return MOE_OK;
}

int
job_node_fail(struct moe_err *err, const struct job_source *source,
              const struct job_node *node, const char *field, const char *fmt,
              ...)
{
    char words[MOE_ERR_TEXT], place[32] = "";
    int line = node ? node->line : 0;
    bool set = line == JOB_LINE_SET;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(words, sizeof words, fmt, ap);
    va_end(ap);
    if (line > 0)
        snprintf(place, sizeof place, ":%d", line);
    const char *option = source->option ? source->option : "--set";
    return moe_fail(err, set ? MOE_EINVAL : MOE_EFORMAT, "%s%s: %s%s%s",
                    set ? option : source->name, place, field ? field : "",
                    field ? ": " : "", words);
}
