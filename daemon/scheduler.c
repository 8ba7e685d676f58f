/*
 * scheduler.c - which job runs next: by priority, then by number, one a
 * device, each after those that it needs.
 *
 * The daemon opens no device, so it cannot know that two selectors mean the
 * same one.  Jobs with one selector follow each other; a job without, which
 * takes the default device, runs alone.
 */
#include "config.h"

#include "daemon/daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

struct candidate {
    int64_t id;
    char *device;
    char *reason;
};

struct candidates {
    struct candidate *v;
    size_t n, cap;
};

static void
candidates_free(struct candidates *c)
{
    for (size_t i = 0; i < c->n; i++) {
        free(c->v[i].device);
        free(c->v[i].reason);
    }
    free(c->v);
}

/* Read first, change later: no statement is open during a change. */
static bool
read_queue(struct daemon *d, struct candidates *c)
{
    sqlite3_stmt *rows;
    if (store_rows(NULL, &d->store, &rows,
                   "SELECT id, device, reason FROM jobs WHERE state='queued' "
                   "ORDER BY priority DESC, id",
                   ""))
        return false;
    while (store_next(&d->store, rows)) {
        struct candidate *v = mem_grow(c->v, &c->cap, c->n + 1, sizeof *c->v);
        if (!v)
            break;
        c->v = v;
        v[c->n++] = (struct candidate){sqlite3_column_int64(rows, 0),
                                       str_copy(store_text(rows, 1)),
                                       str_copy(store_text(rows, 2))};
    }
    sqlite3_finalize(rows);
    return true;
}

/* The job whose worker keeps this device busy, or 0. */
static int64_t
busy_with(struct daemon *d, const char *device)
{
    for (struct attempt *a = d->attempts; a; a = a->next) {
        sqlite3_stmt *rows;
        bool same = true;
        if (store_rows(NULL, &d->store, &rows,
                       "SELECT device FROM jobs WHERE id=?", "i", a->job))
            return a->job;
        if (store_next(&d->store, rows)) {
            const char *other = store_text(rows, 0);
            same = !device[0] || !other[0] || strcmp(device, other) == 0;
        }
        sqlite3_finalize(rows);
        if (same)
            return a->job;
    }
    return 0;
}

/* The first needed job that has not succeeded, and its state. */
static int64_t
unmet_need(struct daemon *d, int64_t job, enum proto_state *state)
{
    sqlite3_stmt *rows;
    int64_t needed = 0;
    if (store_rows(NULL, &d->store, &rows,
                   "SELECT jobs.id, state FROM needs JOIN jobs ON jobs.id="
                   "needs.needs WHERE job=? AND state<>'succeeded' "
                   "ORDER BY ended_ms IS NULL, jobs.id LIMIT 1",
                   "i", job))
        return 0;
    if (store_next(&d->store, rows)) {
        needed = sqlite3_column_int64(rows, 0);
        *state = proto_state_find(store_text(rows, 1));
    }
    sqlite3_finalize(rows);
    return needed;
}

static void
give_reason(struct daemon *d, const struct candidate *c, const char *reason)
{
    if (c->reason && strcmp(c->reason, reason) != 0)
        store_run(NULL, &d->store, "UPDATE jobs SET reason=? WHERE id=?", "si",
                  reason, c->id);
}

static void
consider(struct daemon *d, const struct candidate *c)
{
    char reason[128];
    struct moe_err err = {0};
    enum proto_state state = PROTO_STATE_queued;
    int64_t other = unmet_need(d, c->id, &state);
    if (other && proto_state_ended(state)) {
        snprintf(reason, sizeof reason, "job %lld, which it needs, is %s",
                 (long long)other, proto_state_name(state));
        job_set_state(NULL, d, c->id, PROTO_STATE_dependency_failed, reason);
    } else if (other) {
        snprintf(reason, sizeof reason, "waits for job %lld, which it needs",
                 (long long)other);
        give_reason(d, c, reason);
    } else if ((other = busy_with(d, c->device ? c->device : ""))) {
        snprintf(reason, sizeof reason, "waits for the device, job %lld has it",
                 (long long)other);
        give_reason(d, c, reason);
    } else if (attempt_start(&err, d, c->id) && !d->store.failed) {
        /* For lack of room it is not the job's fault. */
        bool room = room_check(d);
        job_set_state(NULL, d, c->id,
                      room ? PROTO_STATE_failed : PROTO_STATE_queued,
                      room ? err.text : "waits for its turn");
    }
}

void
schedule_jobs(struct daemon *d)
{
    struct candidates c = {0};
    if (d->no_room)
        return;
    d->schedule = false;
    if (read_queue(d, &c))
        for (size_t i = 0; i < c.n && !d->store.failed && !d->no_room; i++)
            consider(d, &c.v[i]);
    candidates_free(&c);
}
