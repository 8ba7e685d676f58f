/*
 * handle_subscribe.c - begin and end a subscription.
 */
#include "config.h"

#include "daemon/daemon.h"

#include <stdlib.h>
#include <string.h>

static bool
same_route(const struct route *a, const struct route *b)
{
    return a->n == b->n && memcmp(a->id, b->id, a->n) == 0;
}

static enum proto_error
add_stream(struct moe_err *err, struct daemon *d, const struct request *r,
           struct stream want)
{
    int64_t own = 0;
    for (struct stream *s = d->streams; s; s = s->next)
        own += same_route(&s->route, r->from);
    if (own >= d->conf.streams) {
        moe_fail(err, MOE_EREFUSED, "subscribe: at most %lld streams a client",
                 (long long)d->conf.streams);
        return PROTO_quota;
    }
    struct stream *s = malloc(sizeof *s);
    if (s && want.log_next >= 0 &&
        !(want.log_path = job_log_path(NULL, d, want.job))) {
        free(s);
        s = NULL;
    }
    if (!s)
        return PROTO_internal;
    want.route = *r->from;
    want.id = ++d->next_stream;
    want.stale = true;
    want.next = d->streams;
    *s = want;
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
    struct stream want = {.seq = -1, .log_next = -1};
    const msgpack_object *p = &r->msg->params;
    if (msg_get_int(err, p, "job", &want.job, MSG_OPTIONAL) ||
        msg_get_int(err, p, "from", &want.seq, MSG_OPTIONAL) ||
        msg_get_int(err, p, "log_from", &want.log_next, MSG_OPTIONAL))
        return PROTO_bad_message;
    if (want.job && job_state(d, want.job) == PROTO_STATE_COUNT) {
        moe_fail(err, MOE_ENOJOB, "job %lld: no such job", (long long)want.job);
        return PROTO_unknown_job;
    }
    if (want.log_next >= 0 && !want.job) {
        moe_fail(err, MOE_EPROTO, "subscribe: log_from wants a job");
        return PROTO_bad_message;
    }
    if (!d->seq && !event_next_seq(d))
        return PROTO_storage_failed;
    if (want.seq < 0 || want.seq > d->seq)
        want.seq = d->seq;
    enum proto_error rc = add_stream(err, d, r, want);
    if (rc)
        return rc;
    msg_put_int(r->reply, "stream", d->next_stream);
    msg_put_int(r->reply, "seq", d->seq);
    put_snapshot(d, r, want.job);
    return PROTO_OK;
}

enum proto_error
handle_unsubscribe(struct moe_err *err, struct daemon *d,
                   const struct request *r)
{
    int64_t id;
    if (msg_get_int(err, &r->msg->params, "stream", &id, MSG_REQUIRED))
        return PROTO_bad_message;
    for (struct stream *s = d->streams; s; s = s->next)
        s->gone |= s->id == id && same_route(&s->route, r->from);
    return PROTO_OK;
}
