/*
 * check_store.c - the daemon's store: schema, refusal of a newer one, numbers
 * of jobs, transactions, a disk without room, a write that fails.
 */
#include "config.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "daemon/store.h"
#include "daemon/system.h"

static const char insert[] = "INSERT INTO jobs(name, state) VALUES(?,?)";

static void
open_store(struct store *s)
{
    struct moe_err err = {0};
    ck_ok(&err, store_open(&err, s, support_dir()));
}

static int64_t
add(struct store *s, const char *name)
{
    struct moe_err err = {0};
    ck_ok(&err, store_run(&err, s, insert, "ss", name, "queued"));
    return sqlite3_last_insert_rowid(s->db);
}

START_TEST(a_new_file_has_the_schema)
{
    struct store s;
    open_store(&s);
    ck_assert_int_eq(store_number(&s, "PRAGMA user_version", 0, -1),
                     STORE_SCHEMA);
    ck_assert_int_eq(store_number(&s, "SELECT count(*) FROM jobs", 0, -1), 0);
    ck_assert_int_eq(store_number(&s, "PRAGMA synchronous", 0, -1), 2);
    ck_assert_int_eq(store_number(&s, "SELECT id FROM jobs", 0, -7), -7);
    store_close(&s);
}
END_TEST

START_TEST(what_was_committed_is_there_again)
{
    struct moe_err err = {0};
    struct store s;
    sqlite3_stmt *rows;
    open_store(&s);
    ck_ok(&err, store_begin(&err, &s));
    int64_t id = add(&s, "kept");
    ck_ok(&err, store_commit(&err, &s));
    ck_ok(&err, store_begin(&err, &s));
    add(&s, "given up");
    store_rollback(&s);
    store_rollback(&s); // harmless without a transaction
    store_close(&s);

    open_store(&s);
    ck_assert_int_eq(store_number(&s, "SELECT count(*) FROM jobs", 0, 0), 1);
    ck_ok(&err,
          store_rows(&err, &s, &rows,
                     "SELECT name, device FROM jobs WHERE id=?", "i", id));
    ck_assert(store_next(&s, rows));
    ck_assert_str_eq(store_text(rows, 0), "kept");
    ck_assert_str_eq(store_text(rows, 1), "");
    ck_assert(!store_next(&s, rows));
    sqlite3_finalize(rows);
    store_close(&s);
}
END_TEST

START_TEST(numbers_are_never_used_again)
{
    struct moe_err err = {0};
    struct store s;
    open_store(&s);
    add(&s, "a");
    int64_t last = add(&s, "b");
    ck_ok(&err, store_run(&err, &s, "DELETE FROM jobs", ""));
    store_close(&s);
    open_store(&s);
    ck_assert_int_eq(add(&s, "c"), last + 1);
    store_close(&s);
}
END_TEST

START_TEST(a_newer_schema_is_refused_untouched)
{
    struct moe_err err = {0};
    struct store s;
    const char *path = support_path("queue.db");
    char *before, *after;
    size_t n, m;
    open_store(&s);
    add(&s, "a");
    ck_assert_int_eq(
        sqlite3_exec(s.db, "PRAGMA user_version=2", NULL, NULL, NULL), 0);
    store_close(&s);
    ck_ok(&err, fs_read(&err, &before, &n, path, 1 << 24));
    ck_fails(&err, store_open(&err, &s, support_dir()), MOE_ESTORAGE,
             "schema 2 is newer than this program's 1");
    ck_assert_ptr_null(s.db);
    ck_ok(&err, fs_read(&err, &after, &m, path, 1 << 24));
    ck_assert_uint_eq(n, m);
    ck_assert_mem_eq(before, after, n);
    free(before);
    free(after);
}
END_TEST

START_TEST(another_file_is_refused)
{
    struct moe_err err = {0};
    struct store s;
    char text[4096];
    memset(text, 'x', sizeof text);
    memset(text + 60, 0, 4);
    support_write(support_path("queue.db"), text, sizeof text);
    ck_fails(&err, store_open(&err, &s, support_dir()), MOE_ESTORAGE,
             "queue.db: ");
    ck_fails(&err, store_open(&err, &s, support_path("nowhere")), MOE_ESTORAGE,
             "queue.db: ");
}
END_TEST

/* A limit of pages stands for a full disk: the code is the same. */
START_TEST(without_room_a_change_leaves_nothing_behind)
{
    struct moe_err err = {0};
    struct store s;
    char *big = calloc(1, 60000);
    ck_assert_ptr_nonnull(big);
    memset(big, 'x', 59999);
    open_store(&s);
    add(&s, "first");
    sqlite3_exec(s.db, "PRAGMA max_page_count=1", NULL, NULL, NULL);
    ck_ok(&err, store_begin(&err, &s));
    ck_fails(&err, store_run(&err, &s, insert, "ss", big, "queued"),
             MOE_ESTORAGE, "no room on the disk");
    store_rollback(&s);
    ck_assert(s.full);
    ck_assert(!s.failed);
    sqlite3_exec(s.db, "PRAGMA max_page_count=100000", NULL, NULL, NULL);
    s.full = false;
    add(&s, big);
    ck_assert(!s.full);
    ck_assert_int_eq(store_number(&s, "SELECT count(*) FROM jobs", 0, 0), 2);
    store_close(&s);
    free(big);
}
END_TEST

START_TEST(a_failed_write_is_final)
{
    struct moe_err err = {0};
    struct store s;
    open_store(&s);
    add(&s, "first");
    sqlite3_exec(s.db, "PRAGMA query_only=1", NULL, NULL, NULL);
    ck_fails(&err, store_run(&err, &s, insert, "ss", "b", "queued"),
             MOE_ESTORAGE, "queue.db: ");
    ck_assert(s.failed);
    store_close(&s);
}
END_TEST

START_TEST(a_process_is_told_from_its_namesake)
{
    char own[SYSTEM_IDENTITY], again[SYSTEM_IDENTITY], other[SYSTEM_IDENTITY];
    system_identity(own, getpid());
    system_identity(again, getpid());
    system_identity(other, (pid_t)0x7ffffff0);
    ck_assert_str_eq(own, again);
    ck_assert_ptr_nonnull(strchr(own, '/'));
#ifdef __linux__
    ck_assert_str_ne(own, other);
    ck_assert(strlen(strchr(own, '/')) > 1);
    ck_assert_str_eq(strchr(other, '/'), "/");
#endif
    ck_assert_int_gt(system_free_bytes(support_dir()), 0);
    ck_assert(system_free_bytes(support_path("nowhere")) == INT64_MAX);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("store");
    TCase *tc = tcase_create("store");
    tcase_add_test(tc, a_new_file_has_the_schema);
    tcase_add_test(tc, what_was_committed_is_there_again);
    tcase_add_test(tc, numbers_are_never_used_again);
    tcase_add_test(tc, a_newer_schema_is_refused_untouched);
    tcase_add_test(tc, another_file_is_refused);
    tcase_add_test(tc, without_room_a_change_leaves_nothing_behind);
    tcase_add_test(tc, a_failed_write_is_final);
    tcase_add_test(tc, a_process_is_told_from_its_namesake);
    suite_add_tcase(suite, tc);
    return support_main(suite, 0);
}
