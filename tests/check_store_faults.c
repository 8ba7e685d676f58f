/*
 * check_store_faults.c - the daemon's store on a disk that fails.
 *
 * Claim: wherever a write or a flush fails, the change that needed it is
 * refused, the store knows that it failed, and the next one that opens the
 * file finds every change that was acknowledged, whole, and at most the one
 * after them.  Without room the same store goes on when there is room.
 */
#include "config.h"

#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "daemon/store.h"
#include "tests/faultdisk.h"

enum { CHANGES = 6, ROWS = 3, BYTES = 9000 };

/* A change of some rows, each of a few pages. */
static int
change(struct moe_err *err, struct store *s, char *filler)
{
    int rc = store_begin(err, s);
    for (int i = 0; !rc && i < ROWS; i++)
        rc = store_run(err, s, "INSERT INTO jobs(name) VALUES(?)", "s", filler);
    if (!rc)
        rc = store_commit(err, s);
    if (rc)
        store_rollback(s);
    return rc;
}

static int64_t
count_rows(struct store *s)
{
    return store_number(s, "SELECT count(*) FROM jobs", 0, -1);
}

static void
is_whole(const char *dir, int acknowledged)
{
    struct moe_err err = {0};
    struct store s;
    ck_ok(&err, store_open(&err, &s, dir));
    int64_t rows = count_rows(&s);
    ck_assert_msg(rows == ROWS * acknowledged ||
                      rows == ROWS * (acknowledged + 1),
                  "%s: %d rows after %d changes", dir, (int)rows, acknowledged);
    ck_assert_int_eq(store_number(&s,
                                  "SELECT integrity_check = 'ok' FROM "
                                  "pragma_integrity_check",
                                  0, 0),
                     1);
    store_close(&s);
}

/* The disk fails after so many; true when all changes came before that. */
static bool
one_fault(enum fault what, int after, char *filler)
{
    struct moe_err err = {0};
    struct store s;
    char name[32];
    int done = 0, rc = MOE_OK;
    snprintf(name, sizeof name, "d%d-%d", (int)what, after);
    const char *dir = support_path(name);
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    faultdisk_arm(FAULT_NONE, 0);
    ck_ok(&err, store_open(&err, &s, dir));
    faultdisk_arm(what, after);
    while (!rc && done < CHANGES) {
        rc = change(&err, &s, filler);
        done += !rc;
    }
    if (rc && what == FAULT_ROOM) {
        ck_fails(&err, rc, MOE_ESTORAGE, "no room on the disk");
        ck_assert(s.full && !s.failed);
        faultdisk_arm(FAULT_NONE, 0);
        ck_assert_int_eq(count_rows(&s), ROWS * done);
        ck_ok(&err, change(&err, &s, filler));
        done++;
    } else if (rc) {
        ck_assert_int_eq(rc, MOE_ESTORAGE);
        ck_assert_msg(s.failed, "%s: not fatal: %s", name, err.text);
    }
    store_close(&s);
    faultdisk_arm(FAULT_NONE, 0);
    is_whole(dir, done);
    return !rc;
}

START_TEST(what_was_acknowledged_survives)
{
    char *filler = calloc(1, BYTES + 1);
    ck_assert_ptr_nonnull(filler);
    for (int i = 0; i < BYTES; i++)
        filler[i] = 'x';
    faultdisk_install();
    int after = 0;
    while (!one_fault((enum fault)_i, after, filler))
        after++;
    ck_assert_int_ge(after, CHANGES); // a change needs each kind at least once
    free(filler);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("store faults");
    TCase *tc = tcase_create("faults");
    tcase_set_timeout(tc, 0);
    tcase_add_loop_test(tc, what_was_acknowledged_survives, FAULT_WRITE,
                        FAULT_FLUSH + 1);
    suite_add_tcase(suite, tc);
    return support_main(suite, 0);
}
