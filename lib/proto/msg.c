/*
 * msg.c - writing messages.
 *
 * Every map and list is written with a two-byte count that is filled in when
 * it closes, so that a caller need not count beforehand.
 */
#include "config.h"

#include "proto/msg.h"

#include <string.h>

#include "base/utf8.h"

static void
put_bytes(struct msg_writer *w, const void *p, size_t n)
{
    if (!w->failed && msgpack_sbuffer_write(&w->out, p, n) < 0)
        w->failed = true;
}

static msgpack_packer
packer(struct msg_writer *w)
{
    msgpack_packer pk;
    msgpack_packer_init(&pk, &w->out, msgpack_sbuffer_write);
    return pk;
}

static void
put_text(struct msg_writer *w, const char *s, size_t n)
{
    msgpack_packer pk = packer(w);
    if (msgpack_pack_str_with_body(&pk, s, n) < 0)
        w->failed = true;
}

static void
begin_value(struct msg_writer *w, const char *key)
{
    if (w->depth && ++w->open[w->depth - 1].count > PROTO_ITEMS)
        w->failed = true;
    if (key)
        put_text(w, key, strlen(key));
}

static void
open_container(struct msg_writer *w, unsigned char head)
{
    if (w->depth == PROTO_DEPTH) {
        w->failed = true;
        return;
    }
    w->open[w->depth++] = (struct msg_open){.at = w->out.size + 1};
    put_bytes(w, (const unsigned char[]){head, 0, 0}, 3);
}

/* [type, id, method, ... with the fixed array's head. */
static void
begin(struct msg_writer *w, unsigned char values, unsigned char type)
{
    *w = (struct msg_writer){0};
    msgpack_sbuffer_init(&w->out);
    put_bytes(w, (const unsigned char[]){0x90 | values, type}, 2);
}

static void
put_id(struct msg_writer *w, uint32_t id)
{
    msgpack_packer pk = packer(w);
    if (msgpack_pack_uint32(&pk, id) < 0)
        w->failed = true;
}

static void
put_nil(struct msg_writer *w)
{
    put_bytes(w, "\xc0", 1);
}

void
msg_request(struct msg_writer *w, uint32_t id, const char *method)
{
    begin(w, 4, 0);
    put_id(w, id);
    put_text(w, method, strlen(method));
    open_container(w, 0xde);
}

void
msg_result(struct msg_writer *w, uint32_t id)
{
    begin(w, 4, 1);
    put_id(w, id);
    put_nil(w);
    open_container(w, 0xde);
}

void
msg_note(struct msg_writer *w, const char *method)
{
    begin(w, 3, 2);
    put_text(w, method, strlen(method));
    open_container(w, 0xde);
}

void
msg_map(struct msg_writer *w)
{
    *w = (struct msg_writer){0};
    msgpack_sbuffer_init(&w->out);
    open_container(w, 0xde);
}

void
msg_error(struct msg_writer *w, uint32_t id, enum proto_error error,
          const char *text)
{
    begin(w, 4, 1);
    put_id(w, id);
    open_container(w, 0xde);
    msg_put_str(w, "code", proto_error_name(error));
    msg_put_str(w, "message", text);
    msg_put_str(w, "retry", proto_error_retry(error));
    msg_close(w);
    put_nil(w);
}

void
msg_put_str(struct msg_writer *w, const char *key, const char *s)
{
    int32_t c;
    int step;
    size_t n = strlen(s), good = 0;
    while (good < n && good < PROTO_STRING - 4 &&
           (step = utf8_get(s + good, n - good, &c)) > 0)
        good += (size_t)step;
    begin_value(w, key);
    put_text(w, s, good);
}

void
msg_put_bin(struct msg_writer *w, const char *key, const void *p, size_t n)
{
    begin_value(w, key);
    msgpack_packer pk = packer(w);
    if (n > PROTO_STRING || msgpack_pack_bin(&pk, n) < 0)
        w->failed = true;
    put_bytes(w, p, n);
}

void
msg_put_int(struct msg_writer *w, const char *key, int64_t x)
{
    begin_value(w, key);
    msgpack_packer pk = packer(w);
    if (msgpack_pack_int64(&pk, x) < 0)
        w->failed = true;
}

void
msg_put_bool(struct msg_writer *w, const char *key, bool x)
{
    begin_value(w, key);
    put_bytes(w, x ? "\xc3" : "\xc2", 1);
}

void
msg_put_real(struct msg_writer *w, const char *key, double x)
{
    begin_value(w, key);
    msgpack_packer pk = packer(w);
    if (msgpack_pack_double(&pk, x) < 0)
        w->failed = true;
}

void
msg_put_raw(struct msg_writer *w, const char *key, const void *p, size_t n)
{
    begin_value(w, key);
    put_bytes(w, p, n);
}

msgpack_sbuffer *
msg_value(struct msg_writer *w, const char *key)
{
    begin_value(w, key);
    return &w->out;
}

void
msg_open_map(struct msg_writer *w, const char *key)
{
    begin_value(w, key);
    open_container(w, 0xde);
}

void
msg_open_list(struct msg_writer *w, const char *key)
{
    begin_value(w, key);
    open_container(w, 0xdc);
}

void
msg_close(struct msg_writer *w)
{
    if (!w->depth)
        return;
    const struct msg_open *top = &w->open[--w->depth];
    if (w->failed)
        return;
    w->out.data[top->at] = (char)(top->count >> 8 & 0xff);
    w->out.data[top->at + 1] = (char)(top->count & 0xff);
}

int
msg_finish(struct msg_writer *w, struct moe_err *err)
{
    while (w->depth)
        msg_close(w);
    if (w->failed || w->out.size > PROTO_FRAME_BYTES)
        return moe_fail(
            err, w->out.size > PROTO_FRAME_BYTES ? MOE_EPROTO : MOE_ENOMEM,
            "message: too large or out of memory at %zu bytes", w->out.size);
    return MOE_OK;
}

void
msg_writer_free(struct msg_writer *w)
{
    msgpack_sbuffer_destroy(&w->out);
    *w = (struct msg_writer){0};
}

void
msg_result_raw(struct msg_writer *w, uint32_t id, const void *p, size_t n)
{
    begin(w, 4, 1);
    put_id(w, id);
    put_nil(w);
    put_bytes(w, p, n);
}
