/*
 * worker_end.c - how an attempt ended: what the worker said, else what the
 * system saw, and what that makes of its job.
 */
#include "config.h"

#include "daemon/daemon.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"

struct ending {
    enum proto_state state;
    bool told; // the worker left its result
    int code;  // in it
    char text[MOE_ERR_TEXT];
};

/* What the worker itself said; false: nothing. */
static bool
read_result(const struct attempt *a, int *code, char *text, size_t cap)
{
    char *path = str_path(a->dir, "result.json");
    json_t *root = NULL;
    bool known = path && fs_exists(path) && !json_read(NULL, &root, path) &&
                 json_is_integer(json_object_get(root, "code"));
    if (known) {
        const char *s = json_string_value(json_object_get(root, "message"));
        *code = (int)json_integer_value(json_object_get(root, "code"));
        snprintf(text, cap, "%s", s ? s : "");
    }
    json_decref(root);
    free(path);
    return known;
}

static enum proto_state
state_of(int code)
{
    return code == MOE_OK         ? PROTO_STATE_succeeded
           : code == MOE_ECANCEL  ? PROTO_STATE_cancelled
           : code == MOE_ETIMEOUT ? PROTO_STATE_timed_out
                                  : PROTO_STATE_failed;
}

/* A worker that left no result: what the system says about its end. */
static enum proto_state
silent_end(const struct attempt *a, char *text, size_t cap)
{
    const int status = a->status;
    if (!a->child) {
        snprintf(text, cap,
                 "its worker ended while no daemon ran, and left "
                 "no result");
        return PROTO_STATE_lost;
    }
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        snprintf(text, cap,
                 "its worker was killed by signal 9: out of memory, "
                 "or by hand");
    else if (WIFSIGNALED(status))
        snprintf(text, cap, "its worker ended by signal %d", WTERMSIG(status));
    else
        snprintf(text, cap,
                 "its worker ended with status %d and no result, "
                 "see %.300s/worker.log",
                 WEXITSTATUS(status), a->dir);
    return PROTO_STATE_failed;
}

/* A worker computes only after "running" is stored: one that was only started
 * has done nothing, and runs again. */
static bool
runs_again(struct daemon *d, const struct attempt *a, const struct ending *e,
           int64_t stop)
{
    if (stop)
        return false;
    if (a->requeue)
        return !e->told || e->code == MOE_ECANCEL;
    return !e->told && !a->child &&
           job_state(d, a->job) == PROTO_STATE_starting;
}

static void
judge(struct daemon *d, const struct attempt *a, struct ending *e)
{
    const int64_t stop =
        store_number(&d->store, "SELECT stop FROM jobs WHERE id=?", a->job, 0);
    const char *why =
        stop == STOP_CANCEL ? "cancelled" : "ran longer than its time_limit";
    e->told = read_result(a, &e->code, e->text, sizeof e->text);
    e->state =
        e->told ? state_of(e->code) : silent_end(a, e->text, sizeof e->text);
    if (runs_again(d, a, e, stop)) {
        e->told = false;
        e->state = PROTO_STATE_queued;
        snprintf(e->text, sizeof e->text, "%s",
                 a->requeue ? "stopped with the daemon, runs again"
                            : "its worker had not begun, runs again");
    } else if (stop && (!e->told || e->code == MOE_ECANCEL)) {
        e->state =
            stop == STOP_CANCEL ? PROTO_STATE_cancelled : PROTO_STATE_timed_out;
        snprintf(e->text, sizeof e->text, "%s%s", why,
                 e->told ? "" : ", its worker was killed");
    }
}

bool
attempt_settle(struct daemon *d, const struct attempt *a)
{
    struct ending e = {0};
    judge(d, a, &e);
    int rc = store_begin(NULL, &d->store);
    if (!rc && e.told)
        rc = store_run(NULL, &d->store, "UPDATE jobs SET exit=? WHERE id=?",
                       "ii", (int64_t)moe_exit_status(e.code), a->job);
    if (!rc)
        rc = job_set_state(NULL, d, a->job, e.state, e.text);
    if (!rc)
        rc = store_commit(NULL, &d->store);
    if (rc) {
        store_rollback(&d->store);
        event_rolled_back(d);
    }
    return !rc;
}
