/*
 * events.c - news for subscribers, numbered by a sequence that never goes
 * back.
 *
 * Numbers are reserved from the store in blocks, so that one which was used
 * is not used again after a crash.  A subscriber that does not read fills its
 * queue and is dropped; it subscribes again from the last number it saw.
 */
#include "config.h"

#include "daemon/daemon.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { BLOCK = 10000 };

int64_t
event_next_seq(struct daemon *d)
{
    if (d->seq >= d->seq_reserved) {
        if (!d->seq)
            d->seq = store_number(
                &d->store, "SELECT value FROM meta WHERE key='seq'", 0, 0);
        d->seq_reserved = d->seq + BLOCK;
        store_run(NULL, &d->store, "UPDATE meta SET value=? WHERE key='seq'",
                  "i", d->seq_reserved);
    }
    return ++d->seq;
}

static void
drop(struct stream **at)
{
    struct stream *s = *at;
    *at = s->next;
    free(s);
}

/* Send to each who wants this job's news; data is a packed map. */
static void
publish(struct daemon *d, int64_t seq, int64_t job, const char *kind,
        int64_t time_ms, const void *data, size_t n)
{
    for (struct stream **at = &d->streams; *at;) {
        struct stream *s = *at;
        if (s->job && s->job != job) {
            at = &s->next;
            continue;
        }
        struct msg_writer w;
        msg_note(&w, "event");
        msg_put_int(&w, "stream", s->id);
        msg_put_int(&w, "seq", seq);
        msg_put_int(&w, "job", job);
        msg_put_str(&w, "kind", kind);
        msg_put_int(&w, "time", time_ms);
        msg_put_raw(&w, "data", data, n);
        if (server_send(d->control, &s->route, &w))
            at = &s->next;
        else
            drop(at);
    }
}

void
event_state(struct daemon *d, int64_t seq, int64_t job, const char *state,
            const char *reason, int64_t time_ms)
{
    struct msg_writer w;
    msg_map(&w);
    msg_put_str(&w, "state", state);
    msg_put_str(&w, "reason", reason);
    if (!msg_finish(&w, NULL))
        publish(d, seq, job, "state", time_ms, w.out.data, w.out.size);
    msg_writer_free(&w);
}

void
event_news(struct daemon *d, int64_t job, const char *kind, const void *data,
           size_t n)
{
    if (d->streams)
        publish(d, event_next_seq(d), job, kind, clock_wall_ms(), data, n);
}

static void
tell_all(struct daemon *d, const char *method, const char *reason)
{
    for (struct stream **at = &d->streams; *at;) {
        struct msg_writer w;
        msg_note(&w, method);
        msg_put_int(&w, "stream", (*at)->id);
        msg_put_int(&w, "seq", d->seq);
        if (reason)
            msg_put_str(&w, "reason", reason);
        if (server_send(d->control, &(*at)->route, &w))
            at = &(*at)->next;
        else
            drop(at);
    }
}

void
event_beat(struct daemon *d)
{
    if (clock_seconds() < d->beat_at)
        return;
    d->beat_at = clock_seconds() + 1;
    tell_all(d, "heartbeat", NULL);
}

void
event_bye(struct daemon *d, const char *reason)
{
    tell_all(d, "bye", reason);
    while (d->streams)
        drop(&d->streams);
}

static enum proto_error
add_stream(struct moe_err *err, struct daemon *d, const struct request *r,
           int64_t job)
{
    size_t own = 0;
    for (struct stream *s = d->streams; s; s = s->next)
        own += s->route.n == r->from->n &&
               memcmp(s->route.id, r->from->id, r->from->n) == 0;
    if (own >= PROTO_STREAMS) {
        moe_fail(err, MOE_EREFUSED, "subscribe: at most %d streams a client",
                 PROTO_STREAMS);
        return PROTO_quota;
    }
    struct stream *s = calloc(1, sizeof *s);
    if (!s)
        return PROTO_internal;
    *s = (struct stream){*r->from, ++d->next_stream, job, d->streams};
    d->streams = s;
    return PROTO_OK;
}

/* The snapshot: one job, or those that have not ended. */
static void
put_snapshot(struct daemon *d, const struct request *r, int64_t job)
{
    sqlite3_stmt *rows;
    const char *sql = job ? "SELECT " JOB_COLUMNS " FROM jobs WHERE id=?"
                          : "SELECT " JOB_COLUMNS " FROM jobs WHERE ended_ms "
                            "IS NULL AND id>? LIMIT 1000";
    msg_open_list(r->reply, "jobs");
    if (!store_rows(NULL, &d->store, &rows, sql, "i", job)) {
        while (store_next(&d->store, rows)) {
            msg_open_map(r->reply, NULL);
            job_put(d, r->reply, rows);
            msg_close(r->reply);
        }
        sqlite3_finalize(rows);
    }
    msg_close(r->reply);
}

enum proto_error
handle_subscribe(struct moe_err *err, struct daemon *d, const struct request *r)
{
    int64_t job = 0, from = 0;
    if (msg_get_int(err, &r->msg->params, "job", &job, MSG_OPTIONAL) ||
        msg_get_int(err, &r->msg->params, "from", &from, MSG_OPTIONAL))
        return PROTO_bad_message;
    if (job && job_state(d, job) == PROTO_STATE_COUNT) {
        moe_fail(err, MOE_ENOJOB, "job %lld: no such job", (long long)job);
        return PROTO_unknown_job;
    }
    enum proto_error rc = add_stream(err, d, r, job);
    if (rc)
        return rc;
    if (!d->seq)
        event_next_seq(d);
    msg_put_int(r->reply, "stream", d->next_stream);
    msg_put_int(r->reply, "seq", d->seq);
    put_snapshot(d, r, job);
    return PROTO_OK;
}

enum proto_error
handle_unsubscribe(struct moe_err *err, struct daemon *d,
                   const struct request *r)
{
    int64_t id;
    if (msg_get_int(err, &r->msg->params, "stream", &id, MSG_REQUIRED))
        return PROTO_bad_message;
    for (struct stream **at = &d->streams; *at;)
        if ((*at)->id == id && (*at)->route.n == r->from->n &&
            memcmp((*at)->route.id, r->from->id, r->from->n) == 0)
            drop(at);
        else
            at = &(*at)->next;
    return PROTO_OK;
}
