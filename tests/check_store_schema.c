/*
 * check_store_schema.c - the daemon's file as every released schema made it.
 *
 * Claims: each of vectors/queue/schema-N.sql is opened with all it holds, and
 * afterwards is what a new file is; a disk that fails while an old file is
 * opened leaves it whole.
 */
#include "config.h"

#include "tests/support.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/str.h"
#include "daemon/store.h"
#include "tests/faultdisk.h"

enum { OPENINGS = 12 };

/* A state folder with the file of a schema; static, see support_path(). */
static const char *
make_old(const char *name, int schema)
{
    struct moe_err err = {0};
    char *sql, *file;
    size_t n;
    sqlite3 *db;
    const char *dir = support_path(name);
    struct str source = {0};
    str_printf(&source, SRCDIR "/tests/vectors/queue/schema-%d.sql", schema);
    ck_ok(&err, fs_read(&err, &sql, &n, source.s, 1 << 20));
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    file = str_path(dir, "queue.db");
    ck_assert_int_eq(sqlite3_open(file, &db), SQLITE_OK);
    ck_assert_msg(!sqlite3_exec(db, sql, NULL, NULL, NULL), "%s: %s", source.s,
                  sqlite3_errmsg(db));
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    str_free(&source);
    free(file);
    free(sql);
    return dir;
}

static void
put_column(struct str *out, sqlite3_stmt *rows, int column)
{
    const unsigned char *p = sqlite3_column_blob(rows, column);
    int n = sqlite3_column_bytes(rows, column);
    str_printf(out, "|%d:", sqlite3_column_type(rows, column));
    for (int i = 0; i < n; i++)
        str_printf(out, isprint(p[i]) ? "%c" : "\\%02x", p[i]);
}

static void
put_rows(struct str *out, struct store *s, const char *sql)
{
    struct moe_err err = {0};
    sqlite3_stmt *rows;
    ck_ok(&err, store_rows(&err, s, &rows, sql, ""));
    while (store_next(s, rows)) {
        for (int i = 0; i < sqlite3_column_count(rows); i++)
            put_column(out, rows, i);
        str_printf(out, "\n");
    }
    sqlite3_finalize(rows);
}

/* What a file holds: the rows of all tables. */
static char *
content(struct store *s)
{
    static const char *const of[] = {"jobs",   "needs", "requests",
                                     "events", "meta",  "sqlite_sequence"};
    struct str out = {0};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        char sql[80];
        snprintf(sql, sizeof sql, "SELECT * FROM %s ORDER BY 1, 2", of[i]);
        str_printf(&out, "%s\n", of[i]);
        put_rows(&out, s, sql);
    }
    return out.s;
}

/* What it looks like: the columns of all tables, and the indices. */
static char *
shape(struct store *s)
{
    struct str out = {0};
    put_rows(&out, s,
             "SELECT m.type, m.name, p.name, p.type, p.dflt_value, p.pk FROM "
             "sqlite_master m, pragma_table_info(m.name) p "
             "ORDER BY m.type, m.name, p.cid");
    put_rows(&out, s,
             "SELECT m.name, m.tbl_name, p.name FROM sqlite_master m, "
             "pragma_index_info(m.name) p WHERE m.type = 'index' "
             "ORDER BY m.name, p.seqno");
    put_rows(&out, s, "PRAGMA user_version");
    return out.s;
}

static void
holds(const char *dir, char *(*of)(struct store *), const char *want)
{
    struct moe_err err = {0};
    struct store s;
    ck_ok(&err, store_open(&err, &s, dir));
    char *got = of(&s);
    store_close(&s);
    ck_assert_str_eq(got, want);
    free(got);
}

/* The rows of a file that no program of ours has opened. */
static char *
content_before(const char *dir)
{
    struct store s = {0};
    char *file = str_path(dir, "queue.db");
    ck_assert_int_eq(sqlite3_open(file, &s.db), SQLITE_OK);
    char *text = content(&s);
    store_close(&s);
    free(file);
    return text;
}

START_TEST(an_old_file_keeps_its_jobs)
{
    struct moe_err err = {0};
    struct store s;
    const char *dir = make_old("old", _i);
    char *before = content_before(dir);
    ck_assert_ptr_nonnull(strstr(before, "3:queued"));
    ck_assert_ptr_nonnull(strstr(before, "3:done"));
    ck_assert_ptr_nonnull(strstr(before, "3:failed"));
    holds(dir, content, before);
    holds(dir, content, before);
    free(before);

    ck_ok(&err, store_open(&err, &s, support_dir()));
    char *new_file = shape(&s);
    store_close(&s);
    ck_assert_ptr_nonnull(strstr(new_file, "3:time_limit_s"));
    ck_assert_ptr_nonnull(strstr(new_file, "3:events_job"));
    holds(dir, shape, new_file);
    free(new_file);
}
END_TEST

/* However far opening came; the old file is there with all it holds. */
START_TEST(a_failed_opening_leaves_the_old_file)
{
    static const enum fault faults[] = {FAULT_WRITE, FAULT_ROOM, FAULT_FLUSH};
    faultdisk_install();
    for (int i = 0; i < (int)(sizeof faults / sizeof *faults) * OPENINGS; i++) {
        struct moe_err err = {0};
        struct store s;
        char name[32];
        snprintf(name, sizeof name, "fault%d-%d", _i, i);
        const char *dir = make_old(name, _i);
        char *before = content_before(dir);
        faultdisk_arm(faults[i / OPENINGS], i % OPENINGS);
        if (store_open(&err, &s, dir) == MOE_OK)
            store_close(&s);
        faultdisk_arm(FAULT_NONE, 0);
        holds(dir, content, before);
        free(before);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("store schema");
    TCase *tc = tcase_create("schema");
    tcase_set_timeout(tc, 0);
    tcase_add_loop_test(tc, an_old_file_keeps_its_jobs, 1, STORE_SCHEMA + 1);
    tcase_add_loop_test(tc, a_failed_opening_leaves_the_old_file, 1,
                        STORE_SCHEMA + 1);
    suite_add_tcase(suite, tc);
    return support_main(suite, 0);
}
