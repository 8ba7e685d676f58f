/*
 * watch.c - follow one job: a snapshot, then its events, over lost
 * connections.
 *
 * Every event has a number, every line of the log its offset; after a lost
 * connection the stream goes on behind the last ones seen, so nothing is shown
 * twice or left out.  It ends with a bye when the job has ended and its log is
 * told.  The daemon sends a heartbeat each second: silence means that it is
 * gone or stuck.
 */
#include "config.h"

#include "client/queue.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/progress.h"
#include "base/str.h"
#include "client/client.h"
#include "client/interrupt.h"
#include "client/text.h"

static const double SILENCE_S = 5;   // heartbeats come each second
static const double PATIENCE_S = 60; // for a daemon that starts again

struct watch {
    struct conn *conn;
    int64_t id, seq, stream, log_next;
    enum watch_style style;
    struct progress_view view;
    double heard_s;
    json_t *job;
    bool again; // the stream ended or broke: subscribe anew
    bool told;  // the job has ended, nothing more comes
};

static void
say(struct watch *w, const char *words)
{
    if (w->style != WATCH_SHOW)
        return;
    char *clean = text_clean(words);
    progress_view_end(&w->view);
    fprintf(stderr, "job %lld: %s\n", (long long)w->id, clean ? clean : "");
    free(clean);
}

static void
say_state(struct watch *w)
{
    const char *reason = queue_text(w->job, "reason");
    char *words = str_format("%s%s%s", queue_text(w->job, "state"),
                             *reason ? ", " : "", reason);
    if (words)
        say(w, words);
    free(words);
}

static void
show_progress(struct watch *w, const json_t *data)
{
    const json_t *eta = json_object_get(data, "eta_s");
    const struct moe_progress p = {
        .phase = queue_text(data, "phase"),
        .item = queue_text(data, "item"),
        .unit = queue_text(data, "unit"),
        .done = (uint64_t)queue_int(data, "done"),
        .total = (uint64_t)queue_int(data, "total"),
        .rate = json_number_value(json_object_get(data, "rate")),
        .elapsed_s = json_number_value(json_object_get(data, "elapsed_s")),
        .eta_s = json_is_number(eta) ? json_number_value(eta) : -1};
    if (w->style == WATCH_SHOW)
        progress_view_show(&w->view, &p, p.total && p.done >= p.total);
}

static void
take_event(struct watch *w, const json_t *note)
{
    const char *kind = queue_text(note, "kind");
    json_t *data = json_object_get(note, "data");
    if (queue_int(note, "job") != w->id)
        return;
    if (strcmp(kind, "progress") == 0)
        show_progress(w, data);
    else if (strcmp(kind, "log") == 0) {
        w->log_next = queue_int(data, "next");
        say(w, queue_text(data, "line"));
    } else if (json_object_get(data, "state")) {
        json_object_update(w->job, data);
        if (!queue_ended(w->job))
            say_state(w);
    }
}

static void
take_note(struct watch *w, json_t *note)
{
    const char *method = queue_text(note, "method");
    int64_t seq = queue_int(note, "seq");
    w->heard_s = clock_seconds();
    if (strcmp(method, "bye") == 0) {
        w->told = strcmp(queue_text(note, "reason"), "ended") == 0;
        w->again = !w->told;
    }
    if (strcmp(method, "event") != 0 || seq <= w->seq)
        return;
    w->seq = seq;
    take_event(w, note);
    if (w->style == WATCH_JSON)
        queue_put_json(json_incref(note));
}

static int
subscribe(struct moe_err *err, struct watch *w)
{
    struct msg_writer m;
    json_t *result;
    conn_request(w->conn, &m, "subscribe", false);
    msg_put_int(&m, "job", w->id);
    if (w->job)
        msg_put_int(&m, "from", w->seq);
    if (w->style != WATCH_SILENT)
        msg_put_int(&m, "log_from", w->log_next);
    int rc = conn_call(err, w->conn, &m, &result);
    if (rc)
        return rc;
    json_t *job = json_array_get(json_object_get(result, "jobs"), 0);
    bool first = !w->job;
    if (job) {
        json_decref(w->job);
        w->job = json_incref(job);
    }
    if (first)
        w->seq = queue_int(result, "seq");
    w->stream = queue_int(result, "stream");
    w->heard_s = clock_seconds();
    w->again = false;
    if (w->style == WATCH_JSON)
        queue_put_json(
            json_pack("{s:s, s:O}", "method", "snapshot", "job", w->job));
    if (first && !queue_ended(w->job))
        say_state(w);
    json_decref(result);
    return w->job ? MOE_OK
                  : moe_fail(err, MOE_ENOJOB, "no job %lld", (long long)w->id);
}

/* Until the daemon is back, for a minute. */
static int
subscribe_again(struct moe_err *err, struct watch *w)
{
    double end = clock_seconds() + PATIENCE_S;
    int rc;
    say(w, "the connection is lost; the job goes on, waiting for the daemon");
    do {
        rc = conn_again(err, w->conn);
        if (!rc)
            rc = subscribe(err, w);
        if (rc == MOE_ENODAEMON || rc == MOE_ETIMEOUT)
            nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    } while ((rc == MOE_ENODAEMON || rc == MOE_ETIMEOUT) &&
             clock_seconds() < end && !interrupt_seen());
    return rc;
}

/* A client has few streams; one that is done is given back. */
static void
unsubscribe(struct watch *w)
{
    struct msg_writer m;
    json_t *result;
    if (!w->stream || interrupt_seen())
        return;
    conn_request(w->conn, &m, "unsubscribe", false);
    msg_put_int(&m, "stream", w->stream);
    if (!conn_call(NULL, w->conn, &m, &result))
        json_decref(result);
}

static int
detach(struct moe_err *err, struct watch *w)
{
    progress_view_end(&w->view);
    fprintf(stderr,
            "job %lld goes on; 'polymoe follow %lld' watches it again, "
            "'polymoe cancel %lld' stops it\n",
            (long long)w->id, (long long)w->id, (long long)w->id);
    return moe_fail(err, MOE_ECANCEL, "interrupted");
}

/* Who only waits for the end needs no more than that. */
static bool
is_over(const struct watch *w)
{
    return queue_ended(w->job) && (w->told || w->style == WATCH_SILENT);
}

int
queue_watch(struct moe_err *err, struct conn *conn, int64_t id,
            enum watch_style style, json_t **job)
{
    struct watch w = {.conn = conn, .id = id, .style = style};
    progress_view_begin(&w.view, false, style != WATCH_SHOW);
    interrupt_catch();
    int rc = subscribe(err, &w);
    while (!rc && !is_over(&w)) {
        json_t *note = NULL;
        rc = conn_next(err, conn, 200, &note);
        if (note)
            take_note(&w, note);
        json_decref(note);
        if (!rc && clock_seconds() - w.heard_s > SILENCE_S)
            w.again = true;
        if (!rc && interrupt_seen())
            break;
        if (!rc && w.again && !is_over(&w))
            rc = subscribe_again(err, &w);
    }
    progress_view_end(&w.view);
    if ((rc == MOE_OK || rc == MOE_ECANCEL) && interrupt_seen() &&
        !queue_ended(w.job))
        rc = detach(err, &w);
    if (!rc)
        unsubscribe(&w);
    if (rc) {
        json_decref(w.job);
        w.job = NULL;
    }
    *job = w.job;
    return rc;
}

int
queue_watch_verb(const char *verb, struct conn *conn, int64_t id,
                 enum watch_style style)
{
    struct moe_err err = {0};
    json_t *job;
    int rc = queue_watch(&err, conn, id, style, &job);
    if (rc == MOE_ECANCEL)
        return moe_exit_status(rc);
    if (rc)
        return verb_fail(verb, &err);
    int status = queue_end_status(job);
    char *reason = text_clean(queue_text(job, "reason"));
    char *out = text_clean(queue_text(job, "out"));
    if (status || style == WATCH_SHOW)
        fprintf(stderr, "job %lld %s%s%s\n", (long long)id,
                queue_text(job, "state"), reason && *reason ? ": " : "",
                reason ? reason : "");
    if (!status && style == WATCH_SHOW && out && *out)
        fprintf(stderr, "results in %s/results\n", out);
    free(reason);
    free(out);
    json_decref(job);
    return status;
}
