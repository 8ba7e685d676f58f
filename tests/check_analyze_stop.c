/*
 * check_analyze_stop.c - kind: analyze, stopped, killed, and gone on with.
 *
 * Precondition: an OpenCL device.  Claims: a job that was stopped goes on with
 * the next language and ends with the same bytes; what it saved is not used
 * when its text changed or the file is damaged, and the log says so.
 */
#include "config.h"

#include "tests/analyzing.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

START_TEST(a_stopped_job_goes_on_with_the_next_language)
{
    static const char text[] = SHARED THREE "perplexity: true\n";
    struct moe_err err = {0};
    struct jobs_watch w = {"collect", "bb", TOKENS + 2 * W, false, 0, 0};
    analyzing_runs(text, "straight");
    int rc = analyzing_run(&err, text, "halted", &w);
    ck_fails(&err, rc, MOE_ECANCEL, "stopped after 56 of 120 tokens");
    ck_assert_uint_eq(w.after, 1); // the first time that it asked
    ck_assert(jobs_have("halted", "checkpoints/routing-000.json"));
    ck_assert(!jobs_have("halted", "checkpoints/routing-001.json"));
    ck_assert(!jobs_have("halted", "results/counts.csv"));
    char *record = jobs_read("halted", "run.json", NULL);
    ck_assert_ptr_nonnull(strstr(record, "\"status\": \"cancelled\""));
    free(record);

    ck_ok(&err, analyzing_run(&err, text, "halted", NULL));
    jobs_same_results("straight", "halted");
    char *metrics = jobs_read("halted", "metrics.jsonl", NULL);
    char *resumed = strstr(metrics, "\"resumed\":true");
    ck_assert_ptr_nonnull(resumed);
    ck_assert_ptr_null(strstr(resumed + 1, "\"resumed\":true"));
    free(metrics);
}
END_TEST

/* Counters of a file that was replaced meanwhile are not used. */
START_TEST(a_language_that_changed_is_measured_again)
{
    static const char text[] = SHARED THREE;
    struct moe_err err = {0};
    struct jobs_watch w = {"collect", "bb", TOKENS + W, false, 0, 0};
    int rc = analyzing_run(&err, text, "changed", &w);
    ck_fails(&err, rc, MOE_ECANCEL, "stopped after");
    jobs_shard("aa.u16", TOKENS + 5, 0, V, 77);
    ck_ok(&err, analyzing_run(&err, text, "changed", NULL));
    analyzing_runs(text, "fresh");
    jobs_same("fresh", "changed", "results/counts.csv");
    char *metrics = jobs_read("changed", "metrics.jsonl", NULL);
    ck_assert_ptr_null(strstr(metrics, "\"resumed\""));
    free(metrics);
}
END_TEST

START_TEST(it_stops_before_the_device_too)
{
    struct moe_err err = {0};
    struct jobs_watch w = {"read", "bb", 0, false, 0, 0};
    int rc = analyzing_run(&err, SHARED THREE, "early", &w);
    ck_fails(&err, rc, MOE_ECANCEL, "stopped while reading");
    ck_assert_uint_eq(w.after, 1);
}
END_TEST

static void
check_damaged(const char *name, bool cut, const char *part)
{
    static const char text[] = SHARED THREE;
    static int number;
    struct moe_err err = {0};
    struct jobs_watch w = {"collect", "cc", 2 * TOKENS + W, false, 0, 0};
    char *out = str_format("damaged%d", number++);
    char *path = str_path("checkpoints", name);
    int rc = analyzing_run(&err, text, out, &w);
    ck_fails(&err, rc, MOE_ECANCEL, "stopped after");
    jobs_damage(out, path, cut);
    ck_ok(&err, analyzing_run(&err, text, out, NULL));
    jobs_same_results("whole", out);
    char *log = jobs_read(out, "log.txt", NULL);
    char *line = strstr(log, name);
    ck_assert_msg(line && strstr(line, part), "no '%s' in: %s", part, log);
    line[strcspn(line, "\n")] = '\0';
    ck_assert_ptr_nonnull(strstr(line, "bb is counted again"));
    free(log);
    free(path);
    free(out);
}

START_TEST(a_damaged_file_is_named_and_counted_again)
{
    analyzing_runs(SHARED THREE, "whole");
    check_damaged("routing-001.json", false, "its checksum is not that of");
    check_damaged("usage-001.json", false, "its checksum is not that of");
    check_damaged("routing-001.json", true, "near end of file");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("analyze_stop");
    TCase *t = tcase_create("stopping");
    tcase_set_timeout(t, 0);
    tcase_add_checked_fixture(t, analyzing_inputs, NULL);
    tcase_add_test(t, a_stopped_job_goes_on_with_the_next_language);
    tcase_add_test(t, a_language_that_changed_is_measured_again);
    tcase_add_test(t, a_damaged_file_is_named_and_counted_again);
    tcase_add_test(t, it_stops_before_the_device_too);
    suite_add_tcase(s, t);
    return support_main(s, 1);
}
