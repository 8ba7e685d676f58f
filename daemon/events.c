/*
 * events.c - numbers of events, which never go back, and what goes to every
 * subscriber.
 *
 * Numbers are reserved from the store in blocks, so that one which was used
 * is not used again after a crash.
 */
#include "config.h"

#include "daemon/daemon.h"

#include <stdlib.h>

#include "base/clock.h"

enum { BLOCK = 10000 };

int64_t
event_next_seq(struct daemon *d)
{
    if (!d->seq)
        d->seq = store_number(&d->store,
                              "SELECT value FROM meta WHERE key='seq'", 0, 0);
    if (d->seq >= d->seq_reserved) {
        int64_t until = d->seq + BLOCK;
        if (store_run(NULL, &d->store,
                      "UPDATE meta SET value=? WHERE key='seq'", "i", until))
            return 0;
        d->seq_reserved = until;
    }
    return ++d->seq;
}

void
event_rolled_back(struct daemon *d)
{
    d->seq_reserved = 0;
}

void
event_log_states(struct daemon *d)
{
    sqlite3_stmt *rows;
    if (d->logged == d->seq ||
        store_rows(NULL, &d->store, &rows,
                   "SELECT seq, job, state, reason FROM events WHERE seq>? "
                   "ORDER BY seq",
                   "i", d->logged))
        return;
    while (store_next(&d->store, rows)) {
        const char *reason = store_text(rows, 3);
        daemon_log(MOE_LOG_INFO, "job %lld %s%s%s",
                   (long long)sqlite3_column_int64(rows, 1),
                   store_text(rows, 2), reason[0] ? ": " : "", reason);
    }
    sqlite3_finalize(rows);
    d->logged = d->seq;
}

void
event_news(struct daemon *d, int64_t job, const char *kind, const void *data,
           size_t n)
{
    for (struct stream *s = d->streams; s; s = s->next) {
        if (s->job && s->job != job)
            continue;
        /* What is newer must not overtake what is still to be sent. */
        if (s->stale)
            stream_pump(d, s);
        if (s->stale || s->gone)
            continue;
        int64_t seq = event_next_seq(d);
        struct msg_writer w;
        stream_event(&w, s, seq, job, kind, clock_wall_ms());
        msg_put_raw(&w, "data", data, n);
        if (seq && server_send(d->control, &s->route, &w) == SEND_DONE)
            s->seq = seq;
        else if (!seq)
            msg_writer_free(&w);
    }
}

static void
tell_all(struct daemon *d, const char *method, const char *reason)
{
    for (struct stream *s = d->streams; s; s = s->next)
        if (stream_tell(d, s, method, reason) == SEND_GONE)
            s->gone = true;
}

void
event_beat(struct daemon *d)
{
    if (clock_seconds() < d->beat_at)
        return;
    d->beat_at = clock_seconds() + 1;
    /* A worker's hint that its log has grown may have been lost. */
    streams_stale(d, 0);
    tell_all(d, "heartbeat", NULL);
}

void
event_bye(struct daemon *d, const char *reason)
{
    tell_all(d, "bye", reason);
    while (d->streams)
        stream_drop(&d->streams);
}
