/*
 * store.h - the durable state: one SQLite file, one connection.
 *
 * What was committed survives a crash and a loss of power.  Where the disk had
 * no room the transaction left nothing behind: `full` is set, the caller rolls
 * back and may try again later.  After any other failed write `failed` stays
 * set and the daemon ends: the file's content is then only known by reading it
 * anew.
 */
#ifndef DAEMON_STORE_H
#define DAEMON_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include <polymoe/error.h>

enum { STORE_SCHEMA = 1 };

struct store {
    sqlite3 *db;
    bool failed, full;
};

/* Open or make DIR/queue.db.  A file of a newer schema is refused before
 * SQLite sees it, so that its bytes stay as they are.  MOE_ESTORAGE. */
int store_open(struct moe_err *err, struct store *s, const char *dir);
void store_close(struct store *s);

int store_begin(struct moe_err *err, struct store *s);
int store_commit(struct moe_err *err, struct store *s);
void store_rollback(struct store *s);

/*
 * A statement with its parameters, one letter each: 'i' int64_t, 's' const
 * char * (NULL allowed), 'b' const void * and size_t.  store_run() does not
 * want rows; store_rows() prepares *out for store_next() and
 * sqlite3_finalize().
 */
int store_run(struct moe_err *err, struct store *s, const char *sql,
              const char *types, ...);
int store_rows(struct moe_err *err, struct store *s, sqlite3_stmt **out,
               const char *sql, const char *types, ...);
bool store_next(struct store *s, sqlite3_stmt *rows);

/* The first column of the first row, or `none`. */
int64_t store_number(struct store *s, const char *sql, int64_t key,
                     int64_t none);

/* A column's text, "" for NULL; valid until the next row. */
const char *store_text(sqlite3_stmt *rows, int column);

#endif
