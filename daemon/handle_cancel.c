/*
 * handle_cancel.c - cancel jobs, end the daemon.
 */
#include "config.h"

#include "daemon/daemon.h"

#include <signal.h>

static enum proto_error
cancel_one(struct moe_err *err, struct daemon *d, int64_t job)
{
    enum proto_state state = job_state(d, job);
    struct attempt *a = attempt_find(d, job);
    if (state == PROTO_STATE_COUNT) {
        moe_fail(err, MOE_ENOJOB, "no such job");
        return PROTO_unknown_job;
    }
    if (proto_state_ended(state)) {
        moe_fail(err, MOE_ESTATE, "is %s already", proto_state_name(state));
        return PROTO_bad_state;
    }
    int rc =
        store_run(err, &d->store,
                  "UPDATE jobs SET stop=1 WHERE id=? AND stop=0", "i", job);
    if (!rc)
        rc = a ? job_set_state(err, d, job, PROTO_STATE_stopping,
                               "cancelled, waits for its worker to stop")
               : job_set_state(err, d, job, PROTO_STATE_cancelled,
                               "cancelled before it ran");
    return rc ? PROTO_storage_failed : PROTO_OK;
}

static enum proto_error
cancel_all(struct daemon *d, const struct request *r,
           const msgpack_object_array *list)
{
    msg_open_list(r->reply, "results");
    for (uint32_t i = 0; i < list->size; i++) {
        struct moe_err err = {0};
        int64_t job = 0;
        enum proto_error rc = PROTO_unknown_job;
        if (msg_int(&list->ptr[i], &job))
            rc = cancel_one(&err, d, job);
        if (rc == PROTO_storage_failed)
            return rc;
        msg_open_map(r->reply, NULL);
        msg_put_int(r->reply, "job", job);
        if (rc) {
            msg_put_str(r->reply, "error", proto_error_name(rc));
            msg_put_str(r->reply, "message", err.text);
        } else {
            msg_put_str(r->reply, "state", proto_state_name(job_state(d, job)));
        }
        msg_close(r->reply);
    }
    msg_close(r->reply);
    return PROTO_OK;
}

enum proto_error
handle_cancel(struct moe_err *err, struct daemon *d, const struct request *r)
{
    char id[PROTO_REQUEST_ID + 1];
    const msgpack_object_array *jobs;
    enum proto_error rc = request_begin(err, d, r, id, &jobs);
    if (rc || !jobs)
        return rc;
    if (store_begin(err, &d->store))
        return PROTO_storage_failed;
    rc = cancel_all(d, r, jobs);
    if (!rc && (request_keep(err, d, r, id) || store_commit(err, &d->store)))
        rc = PROTO_storage_failed;
    for (struct attempt *a = d->attempts; !rc && a; a = a->next)
        if (job_state(d, a->job) == PROTO_STATE_stopping)
            job_request_stop(d, a);
    return rc;
}

enum proto_error
handle_shutdown(struct moe_err *err, struct daemon *d, const struct request *r)
{
    bool now = false;
    int64_t running = 0;
    if (msg_get_bool(err, &r->msg->params, "now", &now, MSG_OPTIONAL))
        return PROTO_bad_message;
    for (struct attempt *a = d->attempts; a; a = a->next)
        running++;
    msg_put_int(r->reply, "running", running);
    attempts_stop(d, now ? SIGKILL : SIGTERM, true);
    d->ending = true;
    return PROTO_OK;
}
