/*
 * server.c - the loop: two sockets, signals, and what is due.
 */
#include "config.h"

#include "daemon/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>
#include <zmq.h>

#include "base/clock.h"

enum { TICK_MS = 200, STUCK_MS = 5, HWM = 256, BATCH = 64 };

static int
open_socket(struct moe_err *err, struct daemon *d, void **out,
            const char *address)
{
    const int one = 1, hwm = HWM, linger = 500, handshake = 5000;
    const int64_t bytes = PROTO_FRAME_BYTES;
    void *s = zmq_socket(d->zmq, ZMQ_ROUTER);
    *out = s;
    if (!s || zmq_setsockopt(s, ZMQ_ROUTER_MANDATORY, &one, sizeof one) ||
        zmq_setsockopt(s, ZMQ_MAXMSGSIZE, &bytes, sizeof bytes) ||
        zmq_setsockopt(s, ZMQ_SNDHWM, &hwm, sizeof hwm) ||
        zmq_setsockopt(s, ZMQ_RCVHWM, &hwm, sizeof hwm) ||
        zmq_setsockopt(s, ZMQ_LINGER, &linger, sizeof linger) ||
        zmq_setsockopt(s, ZMQ_HANDSHAKE_IVL, &handshake, sizeof handshake) ||
        zmq_bind(s, address))
        return moe_fail(err, MOE_EIO, "%s: cannot listen: %s", address,
                        zmq_strerror(zmq_errno()));
    return MOE_OK;
}

int
server_open(struct moe_err *err, struct daemon *d)
{
    unsigned char noise[16];
    if (sodium_init() < 0)
        return moe_fail(err, MOE_EIO, "polymoed: no random numbers");
    randombytes_buf(noise, sizeof noise);
    sodium_bin2hex(d->instance, sizeof d->instance, noise, sizeof noise);
    if (!(d->zmq = zmq_ctx_new()))
        return moe_fail(err, MOE_ENOMEM, "polymoed: no ZeroMQ context");
    int rc = open_socket(err, d, &d->workers, d->where.worker);
    return rc ? rc : open_socket(err, d, &d->control, d->where.control);
}

void
server_close(struct daemon *d)
{
    if (d->control)
        zmq_close(d->control);
    if (d->workers)
        zmq_close(d->workers);
    if (d->zmq)
        zmq_ctx_term(d->zmq);
    d->control = d->workers = d->zmq = NULL;
}

enum send_result
server_send(void *socket, const struct route *to, struct msg_writer *w)
{
    enum send_result result = SEND_GONE;
    if (!msg_finish(w, NULL)) {
        if (zmq_send(socket, to->id, to->n, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0 &&
            zmq_send(socket, w->out.data, w->out.size, ZMQ_DONTWAIT) >= 0)
            result = SEND_DONE;
        else if (zmq_errno() == EAGAIN)
            result = SEND_BUSY;
    }
    msg_writer_free(w);
    return result;
}

/* The system's word on who sent this; without one, nobody of ours. */
static bool
is_owner(zmq_msg_t *m)
{
    const char *address = zmq_msg_gets(m, "Peer-Address");
    const char *uid = address ? strchr(address, ':') : NULL;
    char *end = NULL;
    unsigned long found = uid ? strtoul(uid + 1, &end, 10) : 0;
    return end && end != uid + 1 && *end == ':' && found == geteuid();
}

static struct peer *
find_peer(struct daemon *d, const struct route *route)
{
    for (size_t i = 0; i < d->n_peers; i++)
        if (d->peer[i].route.n == route->n &&
            memcmp(d->peer[i].route.id, route->id, route->n) == 0)
            return &d->peer[i];
    return NULL;
}

/* Remember a client; the one that was silent longest makes room. */
static void
add_peer(struct daemon *d, const struct route *route)
{
    struct peer *p = find_peer(d, route);
    if (!p && (int64_t)d->n_peers < d->conf.clients)
        p = &d->peer[d->n_peers++];
    if (!p) {
        p = &d->peer[0];
        for (size_t i = 1; i < d->n_peers; i++)
            if (d->peer[i].seen_ms < p->seen_ms)
                p = &d->peer[i];
    }
    *p = (struct peer){*route, clock_wall_ms()};
}

static void
put_limits(const struct daemon *d, struct msg_writer *w)
{
    msg_open_map(w, "limits");
    msg_put_int(w, "frame_bytes", PROTO_FRAME_BYTES);
    msg_put_int(w, "depth", PROTO_DEPTH);
    msg_put_int(w, "items", PROTO_ITEMS);
    msg_put_int(w, "string_bytes", PROTO_STRING);
    msg_put_int(w, "nodes", PROTO_NODES);
    msg_put_int(w, "log_chunk_bytes", PROTO_LOG_CHUNK);
    msg_put_int(w, "streams", d->conf.streams);
    msg_put_int(w, "jobs_open", d->conf.jobs_open);
    msg_close(w);
}

static enum proto_error
handle_hello(struct moe_err *err, struct daemon *d, const struct request *r)
{
    int64_t low, high;
    if (msg_get_int(err, &r->msg->params, "protocol_min", &low, MSG_REQUIRED) ||
        msg_get_int(err, &r->msg->params, "protocol_max", &high, MSG_REQUIRED))
        return PROTO_bad_message;
    if (low > PROTO_MAX || high < PROTO_MIN) {
        moe_fail(err, MOE_EVERSION,
                 "client speaks versions %lld to %lld, daemon %d to %d",
                 (long long)low, (long long)high, PROTO_MIN, PROTO_MAX);
        return PROTO_version_unsupported;
    }
    add_peer(d, r->from);
    msg_put_int(r->reply, "protocol", high < PROTO_MAX ? high : PROTO_MAX);
    msg_put_str(r->reply, "instance", d->instance);
    msg_put_str(r->reply, "version", PACKAGE_VERSION);
    msg_put_int(r->reply, "pid", getpid());
    put_limits(d, r->reply);
    return PROTO_OK;
}

static handler_fn *const handlers[PROTO_METHOD_COUNT] = {
#define XX(name, params, results) [PROTO_METHOD_##name] = handle_##name,
    PROTO_METHODS(XX)
#undef XX
};

static enum proto_error
dispatch(struct moe_err *err, struct daemon *d, const struct request *r)
{
    enum proto_method method = proto_method_find(r->msg->method);
    struct peer *peer = find_peer(d, r->from);
    if (method == PROTO_METHOD_COUNT) {
        moe_fail(err, MOE_EPROTO, "%s: unknown method", r->msg->method);
        return PROTO_unknown_method;
    }
    if (!peer && method != PROTO_METHOD_hello) {
        moe_fail(err, MOE_EVERSION, "%s: say hello first", r->msg->method);
        return PROTO_version_unsupported;
    }
    if (peer)
        peer->seen_ms = clock_wall_ms();
    enum proto_error rc = handlers[method](err, d, r);
    if (d->store.failed)
        return PROTO_storage_failed;
    return rc == PROTO_storage_failed ? PROTO_storage_full : rc;
}

static void
control_receive(struct daemon *d, const struct route *from, const void *bytes,
                size_t n)
{
    struct moe_err err = {0};
    struct msg m;
    struct msg_writer w;
    enum proto_error rc = msg_read(&err, &m, bytes, n);
    uint32_t id = m.id;
    if (!rc && m.kind != MSG_REQUEST) {
        msg_free(&m);
        return;
    }
    msg_result(&w, id);
    if (!rc) {
        rc = dispatch(&err, d, &(struct request){from, &m, &w});
        msg_free(&m);
    }
    if (!rc && msg_finish(&w, &err))
        rc = PROTO_too_large;
    if (rc) {
        msg_writer_free(&w);
        store_rollback(&d->store);
        event_rolled_back(d);
        msg_error(&w, id, rc, err.text[0] ? err.text : proto_error_name(rc));
    }
    server_send(d->control, from, &w);
}

/* One message of two frames: route, bytes.  false: none waits. */
static bool
receive(struct daemon *d, void *socket)
{
    zmq_msg_t m;
    struct route from;
    int size = zmq_recv(socket, from.id, sizeof from.id, ZMQ_DONTWAIT);
    if (size < 0)
        return false;
    from.n = (size_t)size;
    bool good = size <= ROUTE_MAX;
    int frames = 0;
    for (int more = 1; more; frames++) {
        zmq_msg_init(&m);
        if (zmq_msg_recv(&m, socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&m);
            break;
        }
        more = zmq_msg_more(&m);
        if (good && frames == 0 && !more && is_owner(&m)) {
            if (socket == d->control)
                control_receive(d, &from, zmq_msg_data(&m), zmq_msg_size(&m));
            else
                worker_receive(d, &from, zmq_msg_data(&m), zmq_msg_size(&m));
        }
        zmq_msg_close(&m);
    }
    return true;
}

/* Signals arrive as bytes; the first request to end is soft. */
static void
take_signals(struct daemon *d)
{
    unsigned char byte;
    while (read(d->wake, &byte, 1) == 1) {
        if (byte == SIGHUP)
            daemon_reload(d);
        if (byte == SIGCHLD || byte == SIGHUP)
            continue;
        daemon_log(MOE_LOG_INFO, "signal %d, ending", byte);
        attempts_stop(d, d->ending ? SIGKILL : SIGTERM, true);
        d->ending = true;
    }
}

/* What is due, once a turn. */
static void
work(struct daemon *d)
{
    room_tick(d);
    attempts_reap(d);
    if (d->schedule && !d->ending)
        schedule_jobs(d);
    requests_prune(d);
    event_log_states(d);
    event_beat(d);
    streams_pump(d);
}

int
server_loop(struct moe_err *err, struct daemon *d)
{
    zmq_pollitem_t items[] = {{d->control, 0, ZMQ_POLLIN, 0},
                              {d->workers, 0, ZMQ_POLLIN, 0},
                              {NULL, d->wake, ZMQ_POLLIN, 0}};
    while (!d->store.failed && !(d->ending && !d->attempts)) {
        int wait_ms = d->pumping ? 0 : d->stuck ? STUCK_MS : TICK_MS;
        if (zmq_poll(items, 3, wait_ms) < 0 && zmq_errno() != EINTR)
            return moe_fail(err, MOE_EIO, "poll: %s",
                            zmq_strerror(zmq_errno()));
        take_signals(d);
        for (int i = 0; i < BATCH && receive(d, d->workers); i++)
            ;
        for (int i = 0; i < BATCH && receive(d, d->control); i++)
            ;
        work(d);
    }
    if (d->store.failed)
        return moe_fail(err, MOE_ESTORAGE, "queue.db: a write failed");
    event_bye(d, "shutdown");
    return MOE_OK;
}
