/*
 * node_yaml.c - YAML text as a tree of values, over libyaml's events.
 */
#include "config.h"

#include "job/node.h"

#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/str.h"

struct reader {
    yaml_parser_t parser;
    struct job_source *source;
    struct moe_err *err;
    int line; // JOB_LINE_SET for every node, or 0: the event's own
};

static int parse_value(struct reader *r, const yaml_event_t *event,
                       struct job_node *node, int depth);

static int
no_memory(struct reader *r)
{
    return moe_fail(r->err, MOE_ENOMEM, "%s: out of memory", r->source->name);
}

static int
fail_at(struct reader *r, size_t line, const char *words)
{
    struct job_node at = {.line = r->line ? r->line : (int)line + 1};
    return job_node_fail(r->err, r->source, &at, NULL, "%s", words);
}

/* The next event; the caller deletes it after MOE_OK. */
static int
next_event(struct reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event))
        return MOE_OK;
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return no_memory(r);
    if (p->error == YAML_READER_ERROR) {
        char *words =
            str_format("%s at byte %zu", p->problem, p->problem_offset);
        int rc = words ? fail_at(r, p->mark.line, words) : no_memory(r);
        free(words);
        return rc;
    }
    return fail_at(r, p->problem_mark.line,
                   p->problem ? p->problem : "not YAML");
}

static int
begin_node(struct reader *r, const yaml_event_t *event, struct job_node *node,
           int depth, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    size_t line = event->start_mark.line;
    if (!node->line) // a value in a map has the line of its key
        node->line = r->line ? r->line : (int)line + 1;
    if (anchor || event->type == YAML_ALIAS_EVENT)
        return fail_at(r, line, "anchors and aliases are not allowed");
    if (tag)
        return fail_at(r, line, "tags are not allowed");
    if (depth > JOB_NODE_DEPTH)
        return fail_at(r, line, "nested more than 8 levels deep");
    if (++r->source->nodes > JOB_NODE_TOTAL)
        return fail_at(r, line, "more than 65536 values");
    return MOE_OK;
}

static bool
is_null(const struct job_node *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!node->quoted && strcmp(node->text, words[i]) == 0)
            return true;
    return false;
}

static int
parse_scalar(struct reader *r, const yaml_event_t *event, struct job_node *node)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t n = event->data.scalar.length;
    if (n > JOB_SCALAR_BYTES)
        return fail_at(r, event->start_mark.line,
                       "a value of more than 65536 bytes");
    if (memchr(text, '\0', n))
        return fail_at(r, event->start_mark.line, "a zero byte in a value");
    if (!(node->text = str_copy(text)))
        return no_memory(r);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->kind = is_null(node) ? JOB_NULL : JOB_SCALAR;
    return MOE_OK;
}

static int
parse_list(struct reader *r, struct job_node *node, int depth)
{
    node->kind = JOB_LIST;
    for (;;) {
        yaml_event_t event;
        int rc = next_event(r, &event);
        if (rc)
            return rc;
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        struct job_node *child = end ? NULL : job_node_add(node);
        if (!end)
            rc =
                child ? parse_value(r, &event, child, depth + 1) : no_memory(r);
        yaml_event_delete(&event);
        if (end || rc)
            return rc;
    }
}

/* Turn the key's event into the key of a new child. */
static int
parse_key(struct reader *r, const yaml_event_t *event, struct job_node *map,
          struct job_node **out)
{
    struct job_node key = {0}, *seen;
    if (event->type != YAML_SCALAR_EVENT)
        return fail_at(r, event->start_mark.line, "a key must be a word");
    if (map->n >= JOB_MAP_KEYS)
        return fail_at(r, event->start_mark.line, "more than 4096 keys");
    int rc = begin_node(r, event, &key, 0, event->data.scalar.anchor,
                        event->data.scalar.tag);
    if (!rc)
        rc = parse_scalar(r, event, &key);
    if (!rc && (seen = job_node_find(map, key.text))) {
        if (seen->line > 0)
            rc = job_node_fail(r->err, r->source, &key, key.text,
                               "given twice, first on line %d", seen->line);
        else
            rc =
                job_node_fail(r->err, r->source, &key, key.text, "given twice");
    }
    if (!rc && !(*out = job_node_add(map)))
        rc = no_memory(r);
    if (!rc) {
        (*out)->key = key.text;
        (*out)->line = key.line;
        key.text = NULL;
    }
    job_node_free(&key);
    return rc;
}

static int
parse_map(struct reader *r, struct job_node *node, int depth)
{
    node->kind = JOB_MAP;
    for (;;) {
        yaml_event_t event;
        struct job_node *child = NULL;
        int rc = next_event(r, &event);
        if (rc)
            return rc;
        bool end = event.type == YAML_MAPPING_END_EVENT;
        if (!end)
            rc = parse_key(r, &event, node, &child);
        yaml_event_delete(&event);
        if (end || rc)
            return rc;
        if ((rc = next_event(r, &event)))
            return rc;
        rc = parse_value(r, &event, child, depth + 1);
        yaml_event_delete(&event);
        if (rc)
            return rc;
    }
}

static int
parse_value(struct reader *r, const yaml_event_t *event, struct job_node *node,
            int depth)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    int rc = begin_node(r, event, node, depth, anchor, tag);
    if (rc)
        return rc;
    if (event->type == YAML_SCALAR_EVENT)
        return parse_scalar(r, event, node);
    return event->type == YAML_SEQUENCE_START_EVENT ? parse_list(r, node, depth)
                                                    : parse_map(r, node, depth);
}

/* Stream start, document start, the value, and nothing after it. */
static int
parse_stream(struct reader *r, struct job_node *out)
{
    yaml_event_t event;
    bool seen = false;
    for (;;) {
        int rc = next_event(r, &event);
        if (rc)
            return rc;
        yaml_event_type_t type = event.type;
        size_t line = event.start_mark.line;
        bool value = type == YAML_SCALAR_EVENT || type == YAML_ALIAS_EVENT ||
                     type == YAML_SEQUENCE_START_EVENT ||
                     type == YAML_MAPPING_START_EVENT;
        if (type == YAML_DOCUMENT_START_EVENT && seen)
            rc = fail_at(r, line, "a second document; one file is one spec");
        else if (value)
            rc = parse_value(r, &event, out, 0);
        seen = seen || value;
        yaml_event_delete(&event);
        if (rc)
            return rc;
        if (type == YAML_STREAM_END_EVENT)
            return seen ? MOE_OK : fail_at(r, line, "nothing in it");
    }
}

static int
read_yaml(struct moe_err *err, struct job_source *source, struct job_node *out,
          const char *text, size_t n, int line)
{
    struct reader r = {.source = source, .err = err, .line = line};
    *out = (struct job_node){0};
    if (n > JOB_TEXT_BYTES)
        return moe_fail(err, MOE_EFORMAT, "%s: %zu bytes, at most %d allowed",
                        source->name, n, JOB_TEXT_BYTES);
    if (!yaml_parser_initialize(&r.parser))
        return no_memory(&r);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const yaml_char_t *)text, n);
    int rc = parse_stream(&r, out);
    yaml_parser_delete(&r.parser);
    if (rc)
        job_node_free(out);
    return rc;
}

int
job_node_yaml(struct moe_err *err, struct job_source *source,
              struct job_node *out, const char *text, size_t n)
{
    return read_yaml(err, source, out, text, n, 0);
}

int
job_node_assign(struct moe_err *err, struct job_node *map, const char *option,
                const char *text)
{
    struct job_source source = {.name = option, .option = option};
    struct job_node value = {0};
    const char *equal = strchr(text, '=');
    if (!equal || equal == text)
        return moe_fail(err, MOE_EINVAL, "%s: '%s' is not FIELD=VALUE", option,
                        text);
    if (!equal[1])
        return moe_fail(err, MOE_EINVAL, "%s: %.*s: no value", option,
                        (int)(equal - text), text);
    int rc = read_yaml(err, &source, &value, equal + 1, strlen(equal + 1),
                       JOB_LINE_SET);
    if (rc)
        return rc;
    value.key = str_format("%.*s", (int)(equal - text), text);
    rc = value.key ? job_node_set(err, map, &value)
                   : moe_fail(err, MOE_ENOMEM, "%s: out of memory", option);
    job_node_free(&value);
    return rc;
}
