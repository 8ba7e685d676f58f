/*
 * store.c - SQLite, opened with care and asked through a small binder.
 */
#include "config.h"

#include "daemon/store.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "daemon/system.h"

static const char schema[] =
    "BEGIN;"
    "CREATE TABLE jobs(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT,"
    " kind TEXT, state TEXT, reason TEXT, priority INTEGER, device TEXT,"
    " out TEXT, spec BLOB, submitted_ms INTEGER, started_ms INTEGER,"
    " ended_ms INTEGER, attempt INTEGER DEFAULT 0, token TEXT, pid INTEGER,"
    " pid_identity TEXT, stop INTEGER DEFAULT 0, time_limit_s INTEGER,"
    " exit INTEGER);"
    "CREATE INDEX jobs_state ON jobs(state);"
    "CREATE TABLE needs(job INTEGER, needs INTEGER);"
    "CREATE INDEX needs_job ON needs(job);"
    "CREATE TABLE requests(id TEXT PRIMARY KEY, method TEXT, result BLOB,"
    " at_ms INTEGER);"
    "CREATE TABLE events(seq INTEGER PRIMARY KEY, job INTEGER, state TEXT,"
    " reason TEXT, at_ms INTEGER);"
    "CREATE INDEX events_job ON events(job, seq);"
    "CREATE INDEX requests_at ON requests(at_ms);"
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER);"
    "INSERT INTO meta VALUES('seq', 0);"
    "PRAGMA user_version=1;"
    "COMMIT;";

/* Room may come back, and a transaction that found none left nothing behind:
 * only then the file is as it was. */
static int
fail(struct moe_err *err, struct store *s)
{
    int code = s->db ? sqlite3_extended_errcode(s->db) : SQLITE_NOMEM;
    bool full = code == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE;
    if (full)
        s->full = true;
    else
        s->failed = true;
    return moe_fail(err, MOE_ESTORAGE, "queue.db: %s",
                    full    ? "no room on the disk"
                    : s->db ? sqlite3_errmsg(s->db)
                            : "out of memory");
}

/* The schema number in the header of a database file; 0: none. */
static int64_t
file_schema(const char *path)
{
    unsigned char head[64] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, head, sizeof head);
    if (fd >= 0)
        close(fd);
    if (n < (ssize_t)sizeof head)
        return 0;
    return (int64_t)head[60] << 24 | head[61] << 16 | head[62] << 8 | head[63];
}

/*
 * Move the log into the file when it has grown.  By SQLite itself this would
 * be done with its errors ignored, and after a failed flush the system may
 * take the pages for written.
 */
static int
on_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
    struct store *s = arg;
    if (pages < 1000)
        return SQLITE_OK;
    int rc = sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE,
                                       NULL, NULL);
    if (rc && rc != SQLITE_FULL && rc != SQLITE_BUSY)
        s->failed = true;
    return SQLITE_OK;
}

static int
prepare_file(struct moe_err *err, struct store *s, const char *dir)
{
    /* A write-ahead log needs memory shared between processes, which file
     * systems over a network do not have. */
    const char *journal = system_is_network(dir)
                              ? "PRAGMA journal_mode=TRUNCATE"
                              : "PRAGMA journal_mode=WAL";
    sqlite3_wal_hook(s->db, on_commit, s);
    if (sqlite3_exec(s->db, journal, NULL, NULL, NULL) ||
        sqlite3_exec(s->db, "PRAGMA synchronous=FULL", NULL, NULL, NULL) ||
        sqlite3_exec(s->db, "PRAGMA temp_store=MEMORY", NULL, NULL, NULL))
        return fail(err, s);
    if (store_number(s, "PRAGMA user_version", 0, 0) == 0 &&
        (sqlite3_exec(s->db, schema, NULL, NULL, NULL) ||
         sqlite3_exec(s->db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL,
                      NULL)))
        return fail(err, s);
    return s->failed || s->full ? fail(err, s) : MOE_OK;
}

int
store_open(struct moe_err *err, struct store *s, const char *dir)
{
    *s = (struct store){0};
    char *path = str_path(dir, "queue.db");
    if (!path)
        return moe_fail(err, MOE_ENOMEM, "queue.db: out of memory");
    int64_t found = file_schema(path);
    int rc = MOE_OK;
    if (found > STORE_SCHEMA)
        rc = moe_fail(err, MOE_ESTORAGE,
                      "%s: schema %lld is newer than this program's %d", path,
                      (long long)found, STORE_SCHEMA);
    else if (sqlite3_open_v2(path, &s->db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                                 SQLITE_OPEN_NOMUTEX,
                             NULL))
        rc = fail(err, s);
    else
        rc = prepare_file(err, s, dir);
    free(path);
    if (rc)
        store_close(s);
    return rc;
}

void
store_close(struct store *s)
{
    sqlite3_close(s->db);
    s->db = NULL;
}

static int
bind_all(sqlite3_stmt *stmt, const char *types, va_list ap)
{
    int rc = SQLITE_OK;
    for (int i = 1; !rc && types[i - 1]; i++) {
        if (types[i - 1] == 'i') {
            rc = sqlite3_bind_int64(stmt, i, va_arg(ap, int64_t));
        } else if (types[i - 1] == 's') {
            rc = sqlite3_bind_text(stmt, i, va_arg(ap, const char *), -1,
                                   SQLITE_TRANSIENT);
        } else {
            const void *p = va_arg(ap, const void *);
            rc = sqlite3_bind_blob64(stmt, i, p, va_arg(ap, size_t),
                                     SQLITE_TRANSIENT);
        }
    }
    return rc;
}

static int
prepare(struct moe_err *err, struct store *s, sqlite3_stmt **out,
        const char *sql, const char *types, va_list ap)
{
    *out = NULL;
    if (sqlite3_prepare_v2(s->db, sql, -1, out, NULL) ||
        bind_all(*out, types, ap)) {
        int rc = fail(err, s);
        sqlite3_finalize(*out);
        *out = NULL;
        return rc;
    }
    return MOE_OK;
}

int
store_rows(struct moe_err *err, struct store *s, sqlite3_stmt **out,
           const char *sql, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    int rc = prepare(err, s, out, sql, types, ap);
    va_end(ap);
    return rc;
}

int
store_run(struct moe_err *err, struct store *s, const char *sql,
          const char *types, ...)
{
    sqlite3_stmt *stmt;
    va_list ap;
    va_start(ap, types);
    int rc = prepare(err, s, &stmt, sql, types, ap);
    va_end(ap);
    if (!rc && sqlite3_step(stmt) != SQLITE_DONE)
        rc = fail(err, s);
    sqlite3_finalize(stmt);
    return rc;
}

bool
store_next(struct store *s, sqlite3_stmt *rows)
{
    int rc = sqlite3_step(rows);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        fail(NULL, s);
    return rc == SQLITE_ROW;
}

int64_t
store_number(struct store *s, const char *sql, int64_t key, int64_t none)
{
    sqlite3_stmt *rows;
    int64_t x = none;
    bool wants = strchr(sql, '?');
    if (store_rows(NULL, s, &rows, sql, wants ? "i" : "", key))
        return none;
    if (store_next(s, rows))
        x = sqlite3_column_int64(rows, 0);
    sqlite3_finalize(rows);
    return x;
}

const char *
store_text(sqlite3_stmt *rows, int column)
{
    const char *s = (const char *)sqlite3_column_text(rows, column);
    return s ? s : "";
}

int
store_begin(struct moe_err *err, struct store *s)
{
    return store_run(err, s, "BEGIN IMMEDIATE", "");
}

int
store_commit(struct moe_err *err, struct store *s)
{
    return store_run(err, s, "COMMIT", "");
}

void
store_rollback(struct store *s)
{
    if (!sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}
