/*
 * jobs.c - the state of a job and its fields in a message.
 */
#include "config.h"

#include "daemon/daemon.h"

#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

static const char *const columns[] = {
    "id",       "name",    "kind", "state",        "reason",
    "priority", "device",  "out",  "submitted_ms", "started_ms",
    "ended_ms", "attempt", "exit"};
enum { STATE = 3, REASON = 4 };

enum proto_state
job_state(struct daemon *d, int64_t job)
{
    sqlite3_stmt *rows;
    enum proto_state state = PROTO_STATE_COUNT;
    if (store_rows(NULL, &d->store, &rows, "SELECT state FROM jobs WHERE id=?",
                   "i", job))
        return state;
    if (store_next(&d->store, rows))
        state = proto_state_find(store_text(rows, 0));
    sqlite3_finalize(rows);
    return state;
}

int
job_set_state(struct moe_err *err, struct daemon *d, int64_t job,
              enum proto_state state, const char *reason)
{
    const char *word = proto_state_name(state);
    const int64_t now = clock_wall_ms(), seq = event_next_seq(d);
    const bool own = sqlite3_get_autocommit(d->store.db);
    if (!seq)
        return moe_fail(err, MOE_ESTORAGE, "queue.db: no room on the disk");
    int rc = own ? store_begin(err, &d->store) : MOE_OK;
    if (!rc)
        rc = store_run(err, &d->store,
                       "UPDATE jobs SET state=?, reason=? WHERE id=? AND "
                       "ended_ms IS NULL",
                       "ssi", word, reason, job);
    if (!rc && sqlite3_changes(d->store.db) && proto_state_ended(state))
        rc = store_run(err, &d->store, "UPDATE jobs SET ended_ms=? WHERE id=?",
                       "ii", now, job);
    if (!rc)
        rc = store_run(err, &d->store, "INSERT INTO events VALUES(?,?,?,?,?)",
                       "iissi", seq, job, word, reason, now);
    if (!rc && own)
        rc = store_commit(err, &d->store);
    if (rc && own)
        store_rollback(&d->store);
    streams_stale(d, job);
    d->schedule |= !rc;
    return rc;
}

void
job_put(struct daemon *d, struct msg_writer *w, sqlite3_stmt *row)
{
    for (int i = 0; i < (int)(sizeof columns / sizeof *columns); i++) {
        int type = sqlite3_column_type(row, i);
        if (i == REASON && d->no_room &&
            strcmp(store_text(row, STATE), "queued") == 0) {
            msg_put_str(w, "reason", "waits for room on the daemon's disk");
            continue;
        }
        if (type == SQLITE_INTEGER)
            msg_put_int(w, columns[i], sqlite3_column_int64(row, i));
        else if (type == SQLITE_TEXT)
            msg_put_str(w, columns[i], store_text(row, i));
    }
    struct attempt *a = attempt_find(d, sqlite3_column_int64(row, 0));
    if (a && a->n_progress)
        msg_put_raw(w, "progress", a->progress, a->n_progress);
}

void
job_request_stop(struct daemon *d, struct attempt *a)
{
    if (a->kill_at > 0)
        return;
    a->kill_at = clock_seconds() + (double)d->conf.cancel_grace_s;
    if (a->pid > 0)
        kill(-a->pid, SIGTERM);
}

char *
job_log_path(struct moe_err *err, struct daemon *d, int64_t job)
{
    sqlite3_stmt *rows;
    char *path = NULL;
    if (store_rows(err, &d->store, &rows, "SELECT out FROM jobs WHERE id=?",
                   "i", job))
        return NULL;
    if (store_next(&d->store, rows))
        path = str_path(store_text(rows, 0), "log.txt");
    sqlite3_finalize(rows);
    return path;
}
