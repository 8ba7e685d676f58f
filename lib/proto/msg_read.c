/*
 * msg_read.c - taking messages apart, after the scan.
 */
#include "config.h"

#include "proto/msg.h"

#include <string.h>

#include "base/str.h"
#include "proto/scan.h"

static enum proto_error
malformed(struct moe_err *err, const char *words)
{
    moe_fail(err, MOE_EPROTO, "message: %s", words);
    return PROTO_bad_message;
}

static enum proto_error
decode(struct moe_err *err, struct msg *out, msgpack_object *root,
       const void *bytes, size_t n)
{
    size_t off = 0;
    *out = (struct msg){0};
    enum proto_error rc = scan_frame(err, bytes, n);
    if (rc)
        return rc;
    if (!msgpack_zone_init(&out->zone, 2048)) {
        moe_fail(err, MOE_ENOMEM, "message: out of memory");
        return PROTO_internal;
    }
    if (msgpack_unpack(bytes, n, &off, &out->zone, root) !=
        MSGPACK_UNPACK_SUCCESS)
        return malformed(err, "not MessagePack");
    return PROTO_OK;
}

static bool
take_id(const msgpack_object *from, uint32_t *id)
{
    if (from->type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
        from->via.u64 > UINT32_MAX)
        return false;
    *id = (uint32_t)from->via.u64;
    return true;
}

static bool
take_method(const msgpack_object *from, char *out)
{
    if (from->type != MSGPACK_OBJECT_STR || from->via.str.size >= MSG_METHOD)
        return false;
    memcpy(out, from->via.str.ptr, from->via.str.size);
    out[from->via.str.size] = '\0';
    return true;
}

static bool
is_map(const msgpack_object *value)
{
    return value->type == MSGPACK_OBJECT_MAP;
}

static enum proto_error
take_apart(struct moe_err *err, struct msg *out, const msgpack_object *root)
{
    const msgpack_object *v = root->via.array.ptr;
    uint32_t n = root->type == MSGPACK_OBJECT_ARRAY ? root->via.array.size : 0;
    if (n < 3 || v[0].type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
        v[0].via.u64 > 2 || n != (v[0].via.u64 == 2 ? 3 : 4))
        return malformed(err, "not [0, id, method, params], [1, id, error, "
                              "result] or [2, method, params]");
    out->kind = (enum msg_kind)v[0].via.u64;
    if (out->kind != MSG_NOTE && !take_id(&v[1], &out->id))
        return malformed(err, "id is no number from 0 to 4294967295");
    out->params = v[n - 1];
    if (out->kind == MSG_REPLY) {
        out->error = v[2];
        bool nil = v[2].type == MSGPACK_OBJECT_NIL;
        if (nil ? !is_map(&v[3]) : !is_map(&v[2]))
            return malformed(err, "a reply without error or result map");
        return PROTO_OK;
    }
    if (!take_method(&v[n - 2], out->method))
        return malformed(err, "method is no string of up to 31 bytes");
    if (!is_map(&out->params))
        return malformed(err, "params is no map");
    return PROTO_OK;
}

enum proto_error
msg_read(struct moe_err *err, struct msg *out, const void *bytes, size_t n)
{
    msgpack_object root = {0};
    enum proto_error rc = decode(err, out, &root, bytes, n);
    if (!rc)
        rc = take_apart(err, out, &root);
    if (rc) {
        uint32_t id = out->id;
        msg_free(out);
        out->id = id;
    }
    return rc;
}

enum proto_error
msg_read_map(struct moe_err *err, struct msg *out, const void *bytes, size_t n)
{
    enum proto_error rc = decode(err, out, &out->params, bytes, n);
    if (!rc && !is_map(&out->params))
        rc = malformed(err, "not a map");
    if (rc)
        msg_free(out);
    return rc;
}

void
msg_free(struct msg *m)
{
    if (m->zone.chunk_list.head)
        msgpack_zone_destroy(&m->zone);
    *m = (struct msg){0};
}

int
msg_reply_error(struct moe_err *err, const struct msg *m)
{
    char code[32] = "internal", text[MOE_ERR_TEXT] = "";
    if (m->error.type != MSGPACK_OBJECT_MAP)
        return MOE_OK;
    msg_get_str(NULL, &m->error, "code", code, sizeof code, MSG_OPTIONAL);
    msg_get_str(NULL, &m->error, "message", text, sizeof text, MSG_OPTIONAL);
    return moe_fail(err, proto_error_code(proto_error_find(code)), "%s",
                    text[0] ? text : code);
}
