/*
 * check_log.c - a job's log.txt.
 *
 * Claim: it stops growing at the documented 64 MiB and says so once, also when
 * the job was stopped and goes on; what it is told goes on to the sink.
 */
#include "config.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/str.h"
#include "job/run.h"

enum { LINE = 1000, CAP = 64 << 20 };

static void
count(void *arg, enum moe_log_level level, const char *line)
{
    (void)level;
    ck_assert_uint_eq(strlen(line), LINE);
    ++*(int *)arg;
}

/* Begin the job anew and log so many lines; the size of log.txt. */
static int64_t
log_lines(int lines)
{
    struct moe_err err = {0};
    int told = 0;
    struct job_spec spec = {.name = (char *)"loud"};
    struct job_env env = {.sink = {.log = count, .arg = &told}};
    struct job_run run = {
        .spec = &spec, .env = &env, .out_dir = str_copy(support_path("loud"))};
    char line[LINE + 1];
    memset(line, 'x', LINE);
    line[LINE] = '\0';
    ck_ok(&err, run_open_files(&err, &run));
    for (int i = 0; i < lines; i++)
        job_logf(&run, MOE_LOG_INFO, "%s", line);
    run_close_files(&run);
    ck_assert(!run.lost);
    ck_assert_int_eq(told, lines);
    free(run.out_dir);
    free(run.results_dir);
    struct stat st;
    ck_assert_int_eq(stat(support_path("loud/log.txt"), &st), 0);
    return st.st_size;
}

START_TEST(it_stops_growing_once)
{
    struct moe_err err = {0};
    char *text;
    size_t n;
    int64_t half = log_lines(CAP / 2 / LINE), size = log_lines(CAP / LINE);
    ck_assert_int_lt(half, CAP);
    ck_assert_int_ge(size, CAP);
    ck_assert_int_lt(size, CAP + 2 * LINE);
    ck_assert_int_eq(log_lines(100), size);
    ck_ok(&err,
          fs_read(&err, &text, &n, support_path("loud/log.txt"), 1 << 27));
    const char *said = strstr(text, "the log is full");
    ck_assert_ptr_nonnull(said);
    ck_assert_ptr_null(strstr(said + 1, "the log is full"));
    free(text);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("log");
    TCase *tc = tcase_create("log");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, it_stops_growing_once);
    suite_add_tcase(suite, tc);
    return support_main(suite, 0);
}
