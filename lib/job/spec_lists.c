/*
 * spec_lists.c - values of a spec that have parts: lists, files, maps.
 */
#include "config.h"

#include "job/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static int
add_string(const struct store *s, const struct job_node *node,
           struct job_strings *list, size_t max)
{
    char *text = NULL;
    if (list->n >= JOB_LIST_MAX)
        return job_node_fail(s->err, s->source, node, s->field->name,
                             "more than %zu entries", list->n);
    int rc = store_string(s, node, &text, max);
    if (!rc && !job_strings_add(list, text))
        rc = store_no_memory(s);
    free(text);
    return rc;
}

int
store_strings(const struct store *s, const struct job_node *node,
              struct job_strings *out, size_t max)
{
    struct job_strings list = {0};
    int rc = MOE_OK;
    if (node->kind == JOB_LIST)
        for (size_t i = 0; !rc && i < node->n; i++)
            rc = add_string(s, &node->child[i], &list, max);
    else
        rc = add_string(s, node, &list, max);
    if (rc) {
        job_strings_free(&list);
        return rc;
    }
    job_strings_free(out);
    *out = list;
    return MOE_OK;
}

static int
take_language(const struct store *s, const struct job_node *node,
              struct job_data *data)
{
    if (!node->key[0] || strlen(node->key) > JOB_NAME_BYTES)
        return job_node_fail(s->err, s->source, node, s->field->name,
                             "a language's name has 1 to %d bytes",
                             JOB_NAME_BYTES);
    if (data->n >= JOB_LANGUAGES_MAX)
        return job_node_fail(s->err, s->source, node, s->field->name,
                             "more than %d languages", JOB_LANGUAGES_MAX);
    struct job_language *language = job_data_add(data, node->key);
    if (!language)
        return store_no_memory(s);
    int rc = store_strings(s, node, &language->files, JOB_PATH_BYTES);
    if (!rc && !language->files.n)
        rc = job_node_fail(s->err, s->source, node, s->field->name,
                           "%s has no file", node->key);
    return rc;
}

int
store_data(const struct store *s, const struct job_node *node)
{
    struct job_data *out = job_field_at(s->field, s->spec), data = {0};
    int rc = MOE_OK;
    if (node->kind == JOB_MAP)
        for (size_t i = 0; !rc && i < node->n; i++)
            rc = take_language(s, &node->child[i], &data);
    else
        rc = store_string(s, node, &data.directory, JOB_PATH_BYTES);
    if (!rc && node->kind == JOB_MAP && !node->n)
        rc = store_wrong(s, node);
    if (rc) {
        job_data_free(&data);
        return rc;
    }
    job_data_free(out);
    *out = data;
    return MOE_OK;
}

static int
add_share(const struct store *s, const struct job_node *node,
          struct job_shares *list)
{
    double x;
    size_t cap = list->cap;
    if (!store_real_number(&x, node) || !(x > 0))
        return job_node_fail(s->err, s->source, node, s->field->name,
                             "%s: '%.80s' found, a positive number allowed",
                             node->key, store_describe(node));
    char **names = mem_grow(list->name, &cap, list->n + 1, sizeof *names);
    if (names)
        list->name = names;
    double *values =
        mem_grow(list->value, &list->cap, list->n + 1, sizeof *values);
    if (values)
        list->value = values;
    char *copy = names && values ? str_copy(node->key) : NULL;
    if (!copy)
        return store_no_memory(s);
    list->name[list->n] = copy;
    list->value[list->n++] = x;
    return MOE_OK;
}

int
store_shares(const struct store *s, const struct job_node *node)
{
    struct job_shares *out = job_field_at(s->field, s->spec), list = {0};
    int rc = node->kind == JOB_MAP && node->n ? MOE_OK : store_wrong(s, node);
    for (size_t i = 0; !rc && i < node->n; i++)
        rc = add_share(s, &node->child[i], &list);
    if (rc) {
        job_shares_free(&list);
        return rc;
    }
    job_shares_free(out);
    *out = list;
    return MOE_OK;
}

static int
add_pair(const struct store *s, const struct job_node *node,
         struct job_pairs *list)
{
    size_t cap = list->cap;
    char *value = NULL;
    if (node->kind != JOB_SCALAR || !node->text[0])
        return job_node_fail(s->err, s->source, node, s->field->name,
                             "%s: '%.80s' found, a name allowed", node->key,
                             store_describe(node));
    int rc = store_string(s, node, &value, JOB_NAME_BYTES);
    if (rc)
        return rc;
    char **names = mem_grow(list->name, &cap, list->n + 1, sizeof *names);
    if (names)
        list->name = names;
    char **values =
        mem_grow(list->value, &list->cap, list->n + 1, sizeof *values);
    if (values)
        list->value = values;
    char *copy = names && values ? str_copy(node->key) : NULL;
    if (!copy) {
        free(value);
        return store_no_memory(s);
    }
    list->name[list->n] = copy;
    list->value[list->n++] = value;
    return MOE_OK;
}

int
store_pairs(const struct store *s, const struct job_node *node)
{
    struct job_pairs *out = job_field_at(s->field, s->spec), list = {0};
    int rc = node->kind == JOB_MAP && node->n ? MOE_OK : store_wrong(s, node);
    for (size_t i = 0; !rc && i < node->n; i++)
        rc = add_pair(s, &node->child[i], &list);
    if (rc) {
        job_pairs_free(&list);
        return rc;
    }
    job_pairs_free(out);
    *out = list;
    return MOE_OK;
}
