/*
 * check_store_network.c - the daemon's store on a file system over a network.
 *
 * system_is_network() here says that every directory is on one.  Claim: there
 * is no write-ahead log, whose shared memory such file systems do not have,
 * not even for a file that had one; what was committed is there again.
 */
#include "config.h"

#include "tests/support.h"

#include "base/fs.h"
#include "daemon/store.h"
#include "daemon/system.h"

static bool network;

bool
system_is_network(const char *dir)
{
    (void)dir;
    return network;
}

static void
open_store(struct store *s)
{
    struct moe_err err = {0};
    sqlite3_stmt *rows;
    ck_ok(&err, store_open(&err, s, support_dir()));
    ck_ok(&err, store_rows(&err, s, &rows, "PRAGMA journal_mode", ""));
    ck_assert(store_next(s, rows));
    ck_assert_str_eq(store_text(rows, 0), network ? "truncate" : "wal");
    sqlite3_finalize(rows);
}

/* One more job, and whether a log lies beside the file while it is open. */
static void
add(struct store *s, int jobs)
{
    struct moe_err err = {0};
    ck_ok(&err, store_run(&err, s, "INSERT INTO jobs(name, state) VALUES(?,?)",
                          "ss", "a", "queued"));
    ck_assert_int_eq(store_number(s, "SELECT count(*) FROM jobs", 0, 0), jobs);
    ck_assert_int_eq(fs_exists(support_path("queue.db-wal")), !network);
    ck_assert_int_eq(fs_exists(support_path("queue.db-shm")), !network);
}

START_TEST(there_is_no_log_with_shared_memory)
{
    struct store s;
    for (int i = 0; i < 4; i++) {
        network = i != 1; // the directory moves, and moves back
        open_store(&s);
        add(&s, i + 1);
        store_close(&s);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("store_network");
    TCase *tc = tcase_create("store_network");
    tcase_add_test(tc, there_is_no_log_with_shared_memory);
    suite_add_tcase(suite, tc);
    return support_main(suite, 0);
}
