/*
 * worker_link.c - the daemon's end of the talk with workers.
 *
 *     register  request, once a second: job, token, spec? (does it want it)
 *               result: stop, and spec and out when wanted
 *     progress, log, metric   notifications: job, token, data
 *
 * A worker repeats `register` for as long as it lives, so that a daemon that
 * was started anew learns its connection and can ask it to stop.
 */
#include "config.h"

#include "daemon/daemon.h"

#include <stdlib.h>
#include <string.h>

/* The attempt that shows its own token, or NULL. */
static struct attempt *
authenticate(struct daemon *d, const msgpack_object *params)
{
    char token[40] = "";
    int64_t job = 0;
    sqlite3_stmt *rows;
    if (msg_get_int(NULL, params, "job", &job, MSG_REQUIRED) ||
        msg_get_str(NULL, params, "token", token, sizeof token, MSG_REQUIRED))
        return NULL;
    struct attempt *a = attempt_find(d, job);
    if (!a || store_rows(NULL, &d->store, &rows,
                         "SELECT token FROM jobs WHERE id=?", "i", job))
        return NULL;
    bool same = store_next(&d->store, rows) && token[0] &&
                strcmp(store_text(rows, 0), token) == 0;
    sqlite3_finalize(rows);
    return same ? a : NULL;
}

static void
put_spec(struct daemon *d, struct msg_writer *w, int64_t job)
{
    sqlite3_stmt *rows;
    if (store_rows(NULL, &d->store, &rows,
                   "SELECT spec, out FROM jobs WHERE id=?", "i", job))
        return;
    if (store_next(&d->store, rows)) {
        msg_put_raw(w, "spec", sqlite3_column_blob(rows, 0),
                    (size_t)sqlite3_column_bytes(rows, 0));
        msg_put_str(w, "out", store_text(rows, 1));
    }
    sqlite3_finalize(rows);
}

static void
answer_register(struct daemon *d, const struct route *from, const struct msg *m,
                struct attempt *a)
{
    struct msg_writer w;
    bool wants = false;
    msg_get_bool(NULL, &m->params, "spec", &wants, MSG_OPTIONAL);
    /* Without the durable "running" it would be run again after a crash. */
    if (job_state(d, a->job) == PROTO_STATE_starting &&
        job_set_state(NULL, d, a->job, PROTO_STATE_running, ""))
        return;
    msg_result(&w, m->id);
    msg_put_bool(&w, "stop", a->kill_at > 0);
    if (wants)
        put_spec(d, &w, a->job);
    if (!d->store.failed)
        server_send(d->workers, from, &w);
    else
        msg_writer_free(&w);
}

/*
 * Pack the map anew for the subscribers; progress is kept for snapshots.  A
 * line of the log stands in the file already: subscribers get it from there.
 */
static void
pass_on(struct daemon *d, struct attempt *a, const struct msg *m)
{
    msgpack_sbuffer packed;
    msgpack_packer pk;
    const msgpack_object *data;
    if (strcmp(m->method, "log") == 0) {
        streams_stale(d, a->job);
        return;
    }
    if (msg_get_map(NULL, &m->params, "data", &data, MSG_REQUIRED))
        return;
    msgpack_sbuffer_init(&packed);
    msgpack_packer_init(&pk, &packed, msgpack_sbuffer_write);
    if (msgpack_pack_object(&pk, *data) == 0) {
        if (strcmp(m->method, "progress") == 0 &&
            packed.size <= sizeof a->progress) {
            memcpy(a->progress, packed.data, packed.size);
            a->n_progress = packed.size;
        }
        event_news(d, a->job, m->method, packed.data, packed.size);
    }
    msgpack_sbuffer_destroy(&packed);
}

void
worker_receive(struct daemon *d, const struct route *from, const void *bytes,
               size_t n)
{
    struct msg m;
    struct msg_writer w;
    if (msg_read(NULL, &m, bytes, n))
        return;
    struct attempt *a = authenticate(d, &m.params);
    if (m.kind == MSG_REQUEST && a && strcmp(m.method, "register") == 0) {
        answer_register(d, from, &m, a);
    } else if (m.kind == MSG_REQUEST) {
        msg_error(&w, m.id, PROTO_denied, "no such attempt");
        server_send(d->workers, from, &w);
    } else if (a && (strcmp(m.method, "progress") == 0 ||
                     strcmp(m.method, "log") == 0 ||
                     strcmp(m.method, "metric") == 0)) {
        pass_on(d, a, &m);
    }
    msg_free(&m);
}
