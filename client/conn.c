/*
 * conn.c - the client's end of the protocol.
 */
#include "config.h"

#include "client/conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>
#include <zmq.h>

#include "base/clock.h"
#include "base/mem.h"
#include "client/interrupt.h"
#include "proto/endpoint.h"

/* Times in milliseconds.  A daemon that starts anew is there soon; an answer
 * may wait for the disk; whether its daemon still lives is looked at now and
 * then. */
enum { CONNECT_MS = 1500, ANSWER_MS = 10000, LOOK_MS = 500, TRIES = 3 };

struct conn {
    void *context, *socket;
    struct endpoint endpoint;
    uint32_t last_id;
    int answer_ms; // that one try waits
    json_t *hello;
    json_t *notes; // that came while an answer was awaited
};

static int
fail_zmq(struct moe_err *err, const char *what)
{
    return moe_fail(err, MOE_EJOB, "daemon: %s: %s", what,
                    zmq_strerror(zmq_errno()));
}

static int
no_daemon(struct moe_err *err, const struct conn *conn)
{
    return moe_fail(err, MOE_ENODAEMON,
                    "no daemon on %s; start it with 'polymoed'",
                    conn->endpoint.state_dir);
}

static void
disconnect(struct conn *conn)
{
    if (conn->socket)
        zmq_close(conn->socket);
    conn->socket = NULL;
}

static int
connect_socket(struct moe_err *err, struct conn *conn)
{
    /* Not ZMQ_IMMEDIATE: with it, an answer that has arrived is dropped when
     * the daemon hangs up before it is read, as after `shutdown`. */
    static const struct {
        int option, value;
    } set[] = {{ZMQ_LINGER, 0}, {ZMQ_SNDTIMEO, CONNECT_MS}};
    const int64_t most = PROTO_FRAME_BYTES;
    disconnect(conn);
    if (!(conn->socket = zmq_socket(conn->context, ZMQ_DEALER)))
        return fail_zmq(err, "socket");
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        if (zmq_setsockopt(conn->socket, set[i].option, &set[i].value,
                           sizeof set[i].value) != 0)
            return fail_zmq(err, "socket option");
    if (zmq_setsockopt(conn->socket, ZMQ_MAXMSGSIZE, &most, sizeof most) != 0 ||
        zmq_connect(conn->socket, conn->endpoint.control) != 0)
        return fail_zmq(err, conn->endpoint.control);
    return MOE_OK;
}

static int
send_bytes(struct moe_err *err, struct conn *conn, const msgpack_sbuffer *b)
{
    if (zmq_send(conn->socket, b->data, b->size, 0) >= 0)
        return MOE_OK;
    if (zmq_errno() == EAGAIN)
        return no_daemon(err, conn);
    if (zmq_errno() == EINTR)
        return moe_fail(err, MOE_ECANCEL, "interrupted");
    return fail_zmq(err, "send");
}

/* One frame, or rc MOE_OK with *got false after timeout_ms or a signal. */
static int
receive(struct moe_err *err, struct conn *conn, zmq_msg_t *frame,
        int timeout_ms, bool *got)
{
    zmq_pollitem_t item = {.socket = conn->socket, .events = ZMQ_POLLIN};
    *got = false;
    int n = zmq_poll(&item, 1, timeout_ms);
    if (n < 0 && zmq_errno() != EINTR)
        return fail_zmq(err, "poll");
    if (n <= 0)
        return MOE_OK;
    zmq_msg_init(frame);
    if (zmq_msg_recv(frame, conn->socket, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(frame);
        return zmq_errno() == EAGAIN || zmq_errno() == EINTR
                   ? MOE_OK
                   : fail_zmq(err, "receive");
    }
    *got = true;
    return MOE_OK;
}

/* {"method": NAME, params} of a notification. */
static json_t *
note_value(const struct msg *m)
{
    json_t *note = msg_json(&m->params);
    if (note && json_object_set_new(note, "method", json_string(m->method))) {
        json_decref(note);
        note = NULL;
    }
    return note;
}

/* Take one frame: the answer to `id` goes to *result and ends the waiting, a
 * notification is kept, anything else is an answer to an earlier try. */
static int
take_frame(struct moe_err *err, struct conn *conn, zmq_msg_t *frame,
           uint32_t id, json_t **result, bool *answered)
{
    struct msg m;
    int rc = MOE_OK;
    enum proto_error bad =
        msg_read(err, &m, zmq_msg_data(frame), zmq_msg_size(frame));
    if (bad)
        return proto_error_code(bad);
    if (m.kind == MSG_NOTE) {
        if (json_array_append_new(conn->notes, note_value(&m)) != 0)
            rc = moe_fail(err, MOE_ENOMEM, "daemon: out of memory");
    } else if (m.kind == MSG_REPLY && m.id == id) {
        *answered = true;
        rc = msg_reply_error(err, &m);
        if (!rc && !(*result = msg_json(&m.params)))
            rc = moe_fail(err, MOE_ENOMEM, "daemon: out of memory");
    }
    msg_free(&m);
    return rc;
}

/* Until it is answered, the time is over, or nobody is left to answer. */
static int
await_answer(struct moe_err *err, struct conn *conn, uint32_t id,
             json_t **result, bool *answered)
{
    double end = clock_seconds() + conn->answer_ms / 1000.0;
    int rc = MOE_OK;
    while (!rc && !*answered) {
        zmq_msg_t frame;
        bool got;
        double left = end - clock_seconds();
        if (left <= 0)
            break;
        bool alive = endpoint_daemon(&conn->endpoint) != 0;
        int ms = left * 1000 < LOOK_MS ? (int)(left * 1000) + 1 : LOOK_MS;
        rc = receive(err, conn, &frame, ms, &got);
        if (!rc && !got && interrupt_seen())
            return moe_fail(err, MOE_ECANCEL, "interrupted");
        if (!rc && !got && !alive)
            break;
        if (rc || !got)
            continue;
        rc = take_frame(err, conn, &frame, id, result, answered);
        zmq_msg_close(&frame);
    }
    return rc;
}

static void
pause_ms(int ms)
{
    struct timespec t = {ms / 1000, (ms % 1000) * 1000000L};
    nanosleep(&t, NULL);
}

/* A daemon that was ended may be followed by another at once. */
static int
await_daemon(struct moe_err *err, struct conn *conn)
{
    double end = clock_seconds() + CONNECT_MS / 1000.0;
    while (!endpoint_daemon(&conn->endpoint)) {
        if (interrupt_seen())
            return moe_fail(err, MOE_ECANCEL, "interrupted");
        if (clock_seconds() >= end)
            return no_daemon(err, conn);
        pause_ms(50);
    }
    return MOE_OK;
}

static void
begin_hello(struct conn *conn, struct msg_writer *w)
{
    conn_request(conn, w, "hello", false);
    msg_put_int(w, "protocol_min", PROTO_MIN);
    msg_put_int(w, "protocol_max", PROTO_MAX);
    msg_put_str(w, "program", "polymoe " PACKAGE_VERSION);
}

/* A new connection for another try.  It begins with hello, unless that is what
 * is tried; the answer to it is not waited for. */
static int
connect_anew(struct moe_err *err, struct conn *conn)
{
    struct msg_writer w;
    int rc = connect_socket(err, conn);
    if (rc || !conn->hello)
        return rc;
    begin_hello(conn, &w);
    rc = msg_finish(&w, err);
    if (!rc)
        rc = send_bytes(err, conn, &w.out);
    msg_writer_free(&w);
    return rc;
}

/* Send the bytes until they are answered. */
static int
exchange(struct moe_err *err, struct conn *conn, const msgpack_sbuffer *bytes,
         uint32_t id, json_t **result)
{
    bool answered = false;
    *result = NULL;
    for (int i = 0; i < TRIES; i++) {
        int rc = await_daemon(err, conn);
        if (!rc)
            rc = send_bytes(err, conn, bytes);
        if (!rc)
            rc = await_answer(err, conn, id, result, &answered);
        if (rc || answered)
            return rc;
        pause_ms((conn->answer_ms / 10) << i);
        if ((rc = connect_anew(err, conn)))
            return rc;
    }
    return moe_fail(err, MOE_ETIMEOUT,
                    "the daemon on %s does not answer; %d tries of %g s",
                    conn->endpoint.state_dir, TRIES, conn->answer_ms / 1000.0);
}

void
conn_request(struct conn *conn, struct msg_writer *w, const char *method,
             bool change)
{
    msg_request(w, ++conn->last_id, method);
    if (change) {
        unsigned char bytes[16];
        char hex[2 * sizeof bytes + 1];
        randombytes_buf(bytes, sizeof bytes);
        sodium_bin2hex(hex, sizeof hex, bytes, sizeof bytes);
        msg_put_str(w, "request_id", hex);
    }
}

int
conn_call(struct moe_err *err, struct conn *conn, struct msg_writer *w,
          json_t **result)
{
    *result = NULL;
    int rc = msg_finish(w, err);
    if (!rc)
        rc = exchange(err, conn, &w->out, conn->last_id, result);
    msg_writer_free(w);
    return rc;
}

static int
say_hello(struct moe_err *err, struct conn *conn)
{
    struct msg_writer w;
    json_decref(conn->hello);
    conn->hello = NULL;
    begin_hello(conn, &w);
    return conn_call(err, conn, &w, &conn->hello);
}

int
conn_again(struct moe_err *err, struct conn *conn)
{
    json_array_clear(conn->notes);
    int rc = connect_socket(err, conn);
    return rc ? rc : say_hello(err, conn);
}

/* $POLYMOE_TIMEOUT in seconds, where it is a sensible number. */
static int
answer_ms(void)
{
    const char *text = getenv("POLYMOE_TIMEOUT");
    char *end = NULL;
    double s = text ? strtod(text, &end) : 0;
    return text && !*end && s >= 0.1 && s <= 3600 ? (int)(s * 1000) : ANSWER_MS;
}

int
conn_open(struct moe_err *err, struct conn **out)
{
    struct conn *conn = *out = mem_zero(1, sizeof *conn);
    if (!conn)
        return moe_fail(err, MOE_ENOMEM, "daemon: out of memory");
    int rc = MOE_OK;
    conn->answer_ms = answer_ms();
    conn->notes = json_array();
    conn->context = zmq_ctx_new();
    if (!conn->notes || !conn->context || sodium_init() < 0)
        rc = moe_fail(err, MOE_ENOMEM, "daemon: out of memory");
    if (!rc)
        rc = endpoint_find(err, &conn->endpoint, NULL);
    if (!rc)
        rc = endpoint_check(err, &conn->endpoint);
    if (rc == MOE_ENODAEMON || (!rc && !endpoint_daemon(&conn->endpoint)))
        rc = no_daemon(err, conn);
    if (!rc)
        rc = conn_again(err, conn);
    if (rc)
        conn_close(out);
    return rc;
}

void
conn_close(struct conn **cp)
{
    struct conn *conn = *cp;
    if (!conn)
        return;
    disconnect(conn);
    if (conn->context)
        zmq_ctx_term(conn->context);
    endpoint_free(&conn->endpoint);
    json_decref(conn->hello);
    json_decref(conn->notes);
    free(conn);
    *cp = NULL;
}

const json_t *
conn_hello(const struct conn *conn)
{
    return conn->hello;
}

/* The first of the notes that wait, or NULL. */
static json_t *
pop_note(struct conn *conn)
{
    json_t *note = json_array_get(conn->notes, 0);
    json_incref(note);
    json_array_remove(conn->notes, 0);
    return note;
}

int
conn_next(struct moe_err *err, struct conn *conn, int timeout_ms, json_t **note)
{
    zmq_msg_t frame;
    bool got, answered = false;
    json_t *none = NULL;
    if ((*note = pop_note(conn)))
        return MOE_OK;
    int rc = receive(err, conn, &frame, timeout_ms, &got);
    if (rc || !got)
        return rc;
    rc = take_frame(err, conn, &frame, 0, &none, &answered);
    zmq_msg_close(&frame);
    json_decref(none);
    *note = rc ? NULL : pop_note(conn);
    return rc;
}
