/*
 * stream.c - subscriptions: each is a place in the table of events and in a
 * job's log, and reads on from there as fast as its client takes it.
 *
 * Nothing is queued here for a client, so one that does not read costs no
 * memory; it is dropped after a while and goes on later from the places that
 * it saw last.
 */
#include "config.h"

#include "daemon/daemon.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { STATES_AT_ONCE = 64 };

void
stream_event(struct msg_writer *w, const struct stream *s, int64_t seq,
             int64_t job, const char *kind, int64_t time_ms)
{
    msg_note(w, "event");
    msg_put_int(w, "stream", s->id);
    msg_put_int(w, "seq", seq);
    msg_put_int(w, "job", job);
    msg_put_str(w, "kind", kind);
    msg_put_int(w, "time", time_ms);
}

enum send_result
stream_tell(struct daemon *d, const struct stream *s, const char *method,
            const char *reason)
{
    struct msg_writer w;
    msg_note(&w, method);
    msg_put_int(&w, "stream", s->id);
    msg_put_int(&w, "seq", s->seq);
    if (reason)
        msg_put_str(&w, "reason", reason);
    return server_send(d->control, &s->route, &w);
}

void
stream_drop(struct stream **at)
{
    struct stream *s = *at;
    *at = s->next;
    free(s->log_path);
    free(s);
}

void
streams_stale(struct daemon *d, int64_t job)
{
    for (struct stream *s = d->streams; s; s = s->next)
        s->stale |= !job || !s->job || s->job == job;
}

bool
stream_send(struct daemon *d, struct stream *s, struct msg_writer *w)
{
    enum send_result sent = server_send(d->control, &s->route, w);
    if (sent == SEND_GONE)
        s->gone = true;
    else if (sent == SEND_BUSY && s->stuck_at <= 0)
        s->stuck_at = clock_seconds();
    else if (sent == SEND_DONE)
        s->stuck_at = 0;
    return sent == SEND_DONE;
}

static bool
send_state(struct daemon *d, struct stream *s, sqlite3_stmt *row)
{
    struct msg_writer w;
    int64_t seq = sqlite3_column_int64(row, 0);
    stream_event(&w, s, seq, sqlite3_column_int64(row, 1), "state",
                 sqlite3_column_int64(row, 4));
    msg_open_map(&w, "data");
    msg_put_str(&w, "state", store_text(row, 2));
    msg_put_str(&w, "reason", store_text(row, 3));
    msg_close(&w);
    if (!stream_send(d, s, &w))
        return false;
    s->seq = seq;
    return true;
}

/* Stored changes of state behind s->seq.  false: there is more. */
static bool
send_states(struct daemon *d, struct stream *s)
{
    sqlite3_stmt *rows;
    int n = 0;
    bool all = true;
    const char *sql =
        s->job ? "SELECT seq, job, state, reason, at_ms FROM events WHERE "
                 "job=? AND seq>? ORDER BY seq LIMIT ?"
               : "SELECT seq, job, state, reason, at_ms FROM events WHERE "
                 "?=0 AND seq>? ORDER BY seq LIMIT ?";
    if (store_rows(NULL, &d->store, &rows, sql, "iii", s->job, s->seq,
                   (int64_t)STATES_AT_ONCE))
        return false;
    for (; all && store_next(&d->store, rows); n++)
        all = send_state(d, s, rows);
    sqlite3_finalize(rows);
    return all && n < STATES_AT_ONCE;
}

void
stream_pump(struct daemon *d, struct stream *s)
{
    /* First, so that what is written after it is found by the next turn. */
    bool ended = s->job && !attempt_find(d, s->job) &&
                 proto_state_ended(job_state(d, s->job));
    if (!send_states(d, s) || (s->log_path && !stream_send_log(d, s, ended)))
        return;
    s->stale = false;
    if (ended) {
        stream_tell(d, s, "bye", "ended");
        s->gone = true;
    }
}

void
streams_pump(struct daemon *d)
{
    d->pumping = d->stuck = false;
    for (struct stream **at = &d->streams; *at;) {
        struct stream *s = *at;
        if (s->stale && !s->gone)
            stream_pump(d, s);
        if (s->stuck_at > 0 &&
            clock_seconds() > s->stuck_at + (double)d->conf.slow_reader_s) {
            daemon_log(MOE_LOG_WARN, "a subscriber does not read, dropped");
            s->gone = true;
        }
        d->stuck |= !s->gone && s->stuck_at > 0;
        d->pumping |= !s->gone && s->stale && s->stuck_at <= 0;
        if (s->gone)
            stream_drop(at);
        else
            at = &s->next;
    }
}
