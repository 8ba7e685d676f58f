/*
 * node_msgpack.c - a MessagePack object as a tree of values.
 */
#include "config.h"

#include "job/node.h"

#include <inttypes.h>

#include <stdlib.h>
#include <string.h>

#include <msgpack.h>

#include "base/str.h"

struct reader {
    struct job_source *source;
    struct moe_err *err;
};

static int
no_memory(const struct reader *r)
{
    return moe_fail(r->err, MOE_ENOMEM, "%s: out of memory", r->source->name);
}

/* The bytes of a string as a C string. */
static int
take_text(const struct reader *r, char **out, const msgpack_object *from)
{
    const msgpack_object_str *s = &from->via.str;
    if (s->size > JOB_SCALAR_BYTES)
        return job_node_fail(r->err, r->source, NULL, NULL,
                             "a string of %" PRIu32 " bytes, at most %d "
                             "allowed",
                             s->size, JOB_SCALAR_BYTES);
    if (s->size && memchr(s->ptr, '\0', s->size))
        return job_node_fail(r->err, r->source, NULL, NULL,
                             "a zero byte in a string");
    struct str b = {0};
    str_add(&b, s->ptr, s->size);
    *out = str_take(&b);
    return *out ? MOE_OK : no_memory(r);
}

static int
take_scalar(const struct reader *r, struct job_node *node,
            const msgpack_object *from)
{
    node->kind = JOB_SCALAR;
    switch (from->type) {
    case MSGPACK_OBJECT_NIL:
        node->kind = JOB_NULL;
        return MOE_OK;
    case MSGPACK_OBJECT_STR:
        node->quoted = true;
        return take_text(r, &node->text, from);
    case MSGPACK_OBJECT_BOOLEAN:
        node->text = str_copy(from->via.boolean ? "true" : "false");
        break;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        node->text = str_format("%" PRIu64, from->via.u64);
        break;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        node->text = str_format("%" PRId64, from->via.i64);
        break;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        node->text = str_format("%.17g", from->via.f64);
        break;
    default:
        return job_node_fail(r->err, r->source, NULL, NULL,
                             "a value that is no text, number, truth value, "
                             "list or map");
    }
    return node->text ? MOE_OK : no_memory(r);
}

static int take_value(const struct reader *r, struct job_node *node,
                      const msgpack_object *from, int depth);

static int
take_list(const struct reader *r, struct job_node *node,
          const msgpack_object_array *list, int depth)
{
    int rc = MOE_OK;
    node->kind = JOB_LIST;
    for (uint32_t i = 0; !rc && i < list->size; i++) {
        struct job_node *child = job_node_add(node);
        rc = child ? take_value(r, child, &list->ptr[i], depth + 1)
                   : no_memory(r);
    }
    return rc;
}

static int
take_map(const struct reader *r, struct job_node *node,
         const msgpack_object_map *map, int depth)
{
    int rc = MOE_OK;
    node->kind = JOB_MAP;
    for (uint32_t i = 0; !rc && i < map->size; i++) {
        const msgpack_object *key = &map->ptr[i].key;
        char *text = NULL;
        if (key->type != MSGPACK_OBJECT_STR)
            return job_node_fail(r->err, r->source, NULL, NULL,
                                 "a key that is no string");
        rc = take_text(r, &text, key);
        struct job_node *child = rc ? NULL : job_node_add(node);
        if (!rc && !child) {
            free(text);
            return no_memory(r);
        }
        if (!rc) {
            rc = take_value(r, child, &map->ptr[i].val, depth + 1);
            child->key = text;
        }
    }
    return rc;
}

static int
take_value(const struct reader *r, struct job_node *node,
           const msgpack_object *from, int depth)
{
    if (depth > JOB_NODE_DEPTH || ++r->source->nodes > JOB_NODE_TOTAL)
        return job_node_fail(r->err, r->source, NULL, NULL,
                             "nested too deep or too many values");
    if (from->type == MSGPACK_OBJECT_ARRAY)
        return take_list(r, node, &from->via.array, depth);
    if (from->type == MSGPACK_OBJECT_MAP)
        return take_map(r, node, &from->via.map, depth);
    return take_scalar(r, node, from);
}

int
job_node_msgpack(struct moe_err *err, struct job_source *source,
                 struct job_node *out, const struct msgpack_object *from)
{
    const struct reader r = {source, err};
    *out = (struct job_node){0};
    int rc = take_value(&r, out, from, 0);
    if (rc)
        job_node_free(out);
    return rc;
}
