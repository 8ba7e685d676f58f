/*
 * msg_field.c - the fields of a message's map, and its JSON form.
 */
#include "config.h"

#include "proto/msg.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"

const msgpack_object *
msg_get(const msgpack_object *map, const char *key)
{
    size_t n = strlen(key);
    if (map->type != MSGPACK_OBJECT_MAP)
        return NULL;
    for (uint32_t i = 0; i < map->via.map.size; i++) {
        const msgpack_object_kv *kv = &map->via.map.ptr[i];
        if (kv->key.type == MSGPACK_OBJECT_STR && kv->key.via.str.size == n &&
            memcmp(kv->key.via.str.ptr, key, n) == 0)
            return &kv->val;
    }
    return NULL;
}

/* *value of the key; NULL with MOE_OK when it may be left out and is. */
static int
find(struct moe_err *err, const msgpack_object *map, const char *key,
     const msgpack_object **value, enum msg_need need)
{
    *value = msg_get(map, key);
    if (!*value && need == MSG_REQUIRED)
        return moe_fail(err, MOE_EPROTO, "%s: missing", key);
    return MOE_OK;
}

static int
wrong(struct moe_err *err, const char *key, const char *want)
{
    return moe_fail(err, MOE_EPROTO, "%s: not %s", key, want);
}

bool
msg_int(const msgpack_object *value, int64_t *out)
{
    if (value->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        *out = value->via.i64;
    else if (value->type == MSGPACK_OBJECT_POSITIVE_INTEGER &&
             value->via.u64 <= INT64_MAX)
        *out = (int64_t)value->via.u64;
    else
        return false;
    return true;
}

int
msg_get_int(struct moe_err *err, const msgpack_object *map, const char *key,
            int64_t *out, enum msg_need need)
{
    const msgpack_object *v;
    int rc = find(err, map, key, &v, need);
    if (!rc && v && !msg_int(v, out))
        return wrong(err, key, "a whole number");
    return rc;
}

int
msg_get_bool(struct moe_err *err, const msgpack_object *map, const char *key,
             bool *out, enum msg_need need)
{
    const msgpack_object *v;
    int rc = find(err, map, key, &v, need);
    if (!rc && v && v->type != MSGPACK_OBJECT_BOOLEAN)
        return wrong(err, key, "true or false");
    if (!rc && v)
        *out = v->via.boolean;
    return rc;
}

int
msg_get_real(struct moe_err *err, const msgpack_object *map, const char *key,
             double *out, enum msg_need need)
{
    const msgpack_object *v;
    int64_t x;
    int rc = find(err, map, key, &v, need);
    if (rc || !v)
        return rc;
    if (v->type == MSGPACK_OBJECT_FLOAT32 || v->type == MSGPACK_OBJECT_FLOAT64)
        *out = v->via.f64;
    else if (msg_int(v, &x))
        *out = (double)x;
    else
        return wrong(err, key, "a number");
    return MOE_OK;
}

int
msg_get_str(struct moe_err *err, const msgpack_object *map, const char *key,
            char *out, size_t cap, enum msg_need need)
{
    const msgpack_object *v;
    int rc = find(err, map, key, &v, need);
    if (rc || !v)
        return rc;
    if (v->type != MSGPACK_OBJECT_STR)
        return wrong(err, key, "a string");
    if (v->via.str.size >= cap)
        return moe_fail(err, MOE_EPROTO, "%s: %u bytes, at most %zu allowed",
                        key, (unsigned)v->via.str.size, cap - 1);
    memcpy(out, v->via.str.ptr, v->via.str.size);
    out[v->via.str.size] = '\0';
    return MOE_OK;
}

int
msg_dup_str(struct moe_err *err, const msgpack_object *map, const char *key,
            char **out, enum msg_need need)
{
    const msgpack_object *v;
    *out = NULL;
    int rc = find(err, map, key, &v, need);
    if (rc || !v)
        return rc;
    if (v->type != MSGPACK_OBJECT_STR)
        return wrong(err, key, "a string");
    struct str b = {0};
    str_add(&b, v->via.str.ptr, v->via.str.size);
    *out = str_take(&b);
    return *out ? MOE_OK : moe_fail(err, MOE_ENOMEM, "%s: out of memory", key);
}

int
msg_get_list(struct moe_err *err, const msgpack_object *map, const char *key,
             const msgpack_object **out, enum msg_need need)
{
    int rc = find(err, map, key, out, need);
    if (!rc && *out && (*out)->type != MSGPACK_OBJECT_ARRAY)
        return wrong(err, key, "a list");
    return rc;
}

int
msg_get_map(struct moe_err *err, const msgpack_object *map, const char *key,
            const msgpack_object **out, enum msg_need need)
{
    int rc = find(err, map, key, out, need);
    if (!rc && *out && (*out)->type != MSGPACK_OBJECT_MAP)
        return wrong(err, key, "a map");
    return rc;
}

/* Text for JSON: what is no UTF-8 becomes U+FFFD. */
static json_t *
json_bytes(const char *s, size_t n)
{
    struct str b = {0};
    utf8_repair(&b, s, n);
    json_t *text = b.failed ? NULL : json_stringn(b.s ? b.s : "", b.n);
    str_free(&b);
    return text;
}

static json_t *
json_list(const msgpack_object_array *list)
{
    json_t *out = json_array();
    for (uint32_t i = 0; i < list->size; i++)
        if (json_array_append_new(out, msg_json(&list->ptr[i])) != 0) {
            json_decref(out);
            return NULL;
        }
    return out;
}

static json_t *
json_map(const msgpack_object_map *map)
{
    json_t *out = json_object();
    for (uint32_t i = 0; i < map->size; i++) {
        const msgpack_object_str *key = &map->ptr[i].key.via.str;
        struct str b = {0};
        str_add(&b, key->ptr, key->size);
        char *text = str_take(&b);
        int rc =
            text ? json_object_set_new(out, text, msg_json(&map->ptr[i].val))
                 : -1;
        free(text);
        if (rc != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

json_t *
msg_json(const msgpack_object *value)
{
    int64_t x;
    switch (value->type) {
    case MSGPACK_OBJECT_BOOLEAN:
        return json_boolean(value->via.boolean);
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return msg_int(value, &x) ? json_integer(x)
                                  : json_real((double)value->via.u64);
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        return value->via.f64 - value->via.f64 == 0 ? json_real(value->via.f64)
                                                    : json_null();
    case MSGPACK_OBJECT_STR:
        return json_bytes(value->via.str.ptr, value->via.str.size);
    case MSGPACK_OBJECT_BIN:
        return json_bytes(value->via.bin.ptr, value->via.bin.size);
    case MSGPACK_OBJECT_ARRAY:
        return json_list(&value->via.array);
    case MSGPACK_OBJECT_MAP:
        return json_map(&value->via.map);
    default:
        return json_null();
    }
}
