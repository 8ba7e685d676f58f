/*
 * msg.h - messages: writing and reading
 *
 *     request       [0, id, method, params]
 *     reply         [1, id, error or nil, result or nil]
 *     notification  [2, method, params]
 *
 * One message is one frame of MessagePack; params, error and result are maps
 * with string keys.
 *
 *     struct msg_writer w;
 *     msg_request(&w, 7, "submit");
 *     msg_put_str(&w, "request_id", id);
 *     msg_open_list(&w, "jobs");
 *     job_spec_pack(err, msg_value(&w, NULL), &spec);
 *     msg_close(&w);
 *     rc = msg_finish(&w, err);          bytes: w.out.data, w.out.size
 *     msg_writer_free(&w);
 */
#ifndef PROTO_MSG_H
#define PROTO_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <msgpack.h>

#include "proto/proto.h"

/* ---- Writing ------------------------------------------------------------ */

struct msg_writer {
    msgpack_sbuffer out;
    struct msg_open {
        size_t at;    // of its two-byte count in out
        size_t count; // pairs or elements so far
    } open[PROTO_DEPTH];
    size_t depth;
    bool failed; // out of memory, too deep or too many
};

/* Begin a message; its params (error, result) map is open. */
void msg_request(struct msg_writer *w, uint32_t id, const char *method);
void msg_result(struct msg_writer *w, uint32_t id);
void msg_note(struct msg_writer *w, const char *method);

/* A whole reply whose result is these bytes, one packed map. */
void msg_result_raw(struct msg_writer *w, uint32_t id, const void *p, size_t n);

/* A whole reply that says error; text is cut where it is no UTF-8. */
void msg_error(struct msg_writer *w, uint32_t id, enum proto_error error,
               const char *text);

/* Begin a bare map, for records that are no message. */
void msg_map(struct msg_writer *w);

/* Values: with a key in a map, with NULL in a list. */
void msg_put_str(struct msg_writer *w, const char *key, const char *s);
void msg_put_bin(struct msg_writer *w, const char *key, const void *p,
                 size_t n);
void msg_put_int(struct msg_writer *w, const char *key, int64_t x);
void msg_put_bool(struct msg_writer *w, const char *key, bool x);
void msg_put_real(struct msg_writer *w, const char *key, double x);
/* Bytes that are one packed value already. */
void msg_put_raw(struct msg_writer *w, const char *key, const void *p,
                 size_t n);
/* The key; the caller appends one packed value to the buffer. */
msgpack_sbuffer *msg_value(struct msg_writer *w, const char *key);

void msg_open_map(struct msg_writer *w, const char *key);
void msg_open_list(struct msg_writer *w, const char *key);
void msg_close(struct msg_writer *w);

/* Close what is open.  MOE_ENOMEM after a failed allocation, MOE_EPROTO when
 * a limit was passed.  Free the writer in any case. */
int msg_finish(struct msg_writer *w, struct moe_err *err);
void msg_writer_free(struct msg_writer *w);

/* ---- Reading ------------------------------------------------------------ */

enum msg_kind { MSG_REQUEST, MSG_REPLY, MSG_NOTE };

enum { MSG_METHOD = 32 };

struct msg {
    enum msg_kind kind;
    uint32_t id;             // of a request or reply
    char method[MSG_METHOD]; // of a request or notification
    msgpack_object params;   // a map; of a reply: the result, nil on an error
    msgpack_object error;    // of a reply: nil, or a map
    msgpack_zone zone;       // owns the objects
};

/*
 * Scan, decode and take apart one frame.  Strings of the message point into
 * the bytes, which must live as long.  PROTO_OK, or what is wrong with a
 * sentence; then only out->id may be used, 0 when there was none.
 */
enum proto_error msg_read(struct moe_err *err, struct msg *out,
                          const void *bytes, size_t n);
void msg_free(struct msg *m);

/* Decode bytes that are one map, scanned first; free out->zone by msg_free. */
enum proto_error msg_read_map(struct moe_err *err, struct msg *out,
                              const void *bytes, size_t n);

/* What an error reply says, as a code of ours and its sentence; MOE_OK for a
 * reply without one. */
int msg_reply_error(struct moe_err *err, const struct msg *m);

/* The value of a key, or NULL. */
const msgpack_object *msg_get(const msgpack_object *map, const char *key);

/*
 * Typed fields.  Without the key: MSG_OPTIONAL leaves *out as it is, otherwise
 * MOE_EPROTO.  MOE_EPROTO names the field and what was wanted.
 */
enum msg_need { MSG_REQUIRED, MSG_OPTIONAL };

int msg_get_int(struct moe_err *err, const msgpack_object *map, const char *key,
                int64_t *out, enum msg_need need);
int msg_get_bool(struct moe_err *err, const msgpack_object *map,
                 const char *key, bool *out, enum msg_need need);
int msg_get_real(struct moe_err *err, const msgpack_object *map,
                 const char *key, double *out, enum msg_need need);
/* A copy with a terminating zero; MOE_EPROTO when it is longer than cap - 1. */
int msg_get_str(struct moe_err *err, const msgpack_object *map, const char *key,
                char *out, size_t cap, enum msg_need need);
/* A copy that the caller frees; *out is NULL when left out. */
int msg_dup_str(struct moe_err *err, const msgpack_object *map, const char *key,
                char **out, enum msg_need need);
/* *out points at the value; NULL when left out. */
int msg_get_list(struct moe_err *err, const msgpack_object *map,
                 const char *key, const msgpack_object **out,
                 enum msg_need need);
int msg_get_map(struct moe_err *err, const msgpack_object *map, const char *key,
                const msgpack_object **out, enum msg_need need);

/* An element of a list or any value as a whole number, false when it is none
 * or does not fit. */
bool msg_int(const msgpack_object *value, int64_t *out);

/* The same value for jansson: keys in their order, binary as text in which
 * bytes that are no UTF-8 became U+FFFD; NULL without memory. */
json_t *msg_json(const msgpack_object *value);

#endif
