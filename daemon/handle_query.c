/*
 * handle_query.c - list, show, status, log: answers that change nothing.
 */
#include "config.h"

#include "daemon/daemon.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

static enum proto_error
no_job(struct moe_err *err, int64_t job)
{
    moe_fail(err, MOE_ENOJOB, "job %lld: no such job", (long long)job);
    return PROTO_unknown_job;
}

static int
list_rows(struct moe_err *err, struct daemon *d, sqlite3_stmt **rows,
          const char *state, int64_t before, int64_t limit)
{
    if (state[0])
        return store_rows(err, &d->store, rows,
                          "SELECT " JOB_COLUMNS " FROM jobs WHERE state=? AND "
                          "id<? ORDER BY id DESC LIMIT ?",
                          "sii", state, before, limit);
    return store_rows(err, &d->store, rows,
                      "SELECT " JOB_COLUMNS " FROM jobs WHERE id<? ORDER BY "
                      "id DESC LIMIT ?",
                      "ii", before, limit);
}

enum proto_error
handle_list(struct moe_err *err, struct daemon *d, const struct request *r)
{
    char state[32] = "";
    int64_t limit = 50, before = INT64_MAX, n = 0;
    sqlite3_stmt *rows;
    const msgpack_object *p = &r->msg->params;
    if (msg_get_str(err, p, "state", state, sizeof state, MSG_OPTIONAL) ||
        msg_get_int(err, p, "limit", &limit, MSG_OPTIONAL) ||
        msg_get_int(err, p, "before", &before, MSG_OPTIONAL))
        return PROTO_bad_message;
    if (limit < 1 || limit > PROTO_LIST ||
        (state[0] && proto_state_find(state) == PROTO_STATE_COUNT)) {
        moe_fail(err, MOE_EPROTO, "list: limit from 1 to %d, state a known one",
                 PROTO_LIST);
        return PROTO_bad_message;
    }
    if (list_rows(err, d, &rows, state, before, limit + 1))
        return PROTO_storage_failed;
    msg_open_list(r->reply, "jobs");
    while (store_next(&d->store, rows) && ++n <= limit) {
        msg_open_map(r->reply, NULL);
        job_put(d, r->reply, rows);
        msg_close(r->reply);
    }
    msg_close(r->reply);
    msg_put_bool(r->reply, "more", n > limit);
    sqlite3_finalize(rows);
    return PROTO_OK;
}

enum proto_error
handle_show(struct moe_err *err, struct daemon *d, const struct request *r)
{
    int64_t job;
    sqlite3_stmt *rows;
    if (msg_get_int(err, &r->msg->params, "job", &job, MSG_REQUIRED))
        return PROTO_bad_message;
    if (store_rows(err, &d->store, &rows,
                   "SELECT " JOB_COLUMNS ", spec FROM jobs WHERE id=?", "i",
                   job))
        return PROTO_storage_failed;
    bool found = store_next(&d->store, rows);
    if (found) {
        int column = sqlite3_column_count(rows) - 1;
        msg_open_map(r->reply, "job");
        job_put(d, r->reply, rows);
        msg_close(r->reply);
        msg_put_raw(r->reply, "spec", sqlite3_column_blob(rows, column),
                    (size_t)sqlite3_column_bytes(rows, column));
    }
    sqlite3_finalize(rows);
    return found ? PROTO_OK : no_job(err, job);
}

static void
put_counts(struct daemon *d, struct msg_writer *w)
{
    sqlite3_stmt *rows;
    msg_open_map(w, "counts");
    if (!store_rows(NULL, &d->store, &rows,
                    "SELECT state, count(*) FROM jobs GROUP BY state", "")) {
        while (store_next(&d->store, rows))
            msg_put_int(w, store_text(rows, 0), sqlite3_column_int64(rows, 1));
        sqlite3_finalize(rows);
    }
    msg_close(w);
}

static void
put_devices(struct daemon *d, struct msg_writer *w)
{
    sqlite3_stmt *rows;
    msg_open_list(w, "devices");
    for (struct attempt *a = d->attempts; a; a = a->next) {
        if (store_rows(NULL, &d->store, &rows,
                       "SELECT device FROM jobs WHERE id=?", "i", a->job))
            break;
        if (store_next(&d->store, rows)) {
            const char *name = store_text(rows, 0);
            msg_open_map(w, NULL);
            msg_put_str(w, "name", name[0] ? name : "default");
            msg_put_int(w, "job", a->job);
            msg_close(w);
        }
        sqlite3_finalize(rows);
    }
    msg_close(w);
}

enum proto_error
handle_status(struct moe_err *err, struct daemon *d, const struct request *r)
{
    (void)err;
    msg_put_str(r->reply, "version", PACKAGE_VERSION);
    msg_put_int(r->reply, "pid", getpid());
    msg_put_str(r->reply, "state_dir", d->where.state_dir);
    msg_put_int(r->reply, "uptime_s", (int64_t)(clock_seconds() - d->started));
    put_counts(d, r->reply);
    put_devices(d, r->reply);
    return PROTO_OK;
}

size_t
file_piece(const char *path, int64_t offset, char *buf, size_t cap,
           int64_t *size)
{
    struct stat st = {0};
    ssize_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    *size = 0;
    if (fd < 0)
        return 0;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        n = pread(fd, buf, cap, offset);
    close(fd);
    *size = st.st_size;
    return n < 0 ? 0 : (size_t)n;
}

enum proto_error
handle_log(struct moe_err *err, struct daemon *d, const struct request *r)
{
    char buf[PROTO_LOG_CHUNK];
    int64_t job, offset = 0, limit = PROTO_LOG_CHUNK;
    const msgpack_object *p = &r->msg->params;
    if (msg_get_int(err, p, "job", &job, MSG_REQUIRED) ||
        msg_get_int(err, p, "offset", &offset, MSG_OPTIONAL) ||
        msg_get_int(err, p, "limit", &limit, MSG_OPTIONAL))
        return PROTO_bad_message;
    if (offset < 0 || limit < 1 || limit > PROTO_LOG_CHUNK) {
        moe_fail(err, MOE_EPROTO, "log: offset from 0, limit from 1 to %d",
                 PROTO_LOG_CHUNK);
        return PROTO_bad_message;
    }
    char *path = job_log_path(err, d, job);
    if (!path)
        return no_job(err, job);
    int64_t size;
    size_t n = file_piece(path, offset, buf, (size_t)limit, &size);
    free(path);
    msg_put_bin(r->reply, "data", buf, n);
    msg_put_int(r->reply, "offset", offset);
    msg_put_int(r->reply, "next", offset + (int64_t)n);
    msg_put_int(r->reply, "size", size);
    return PROTO_OK;
}
