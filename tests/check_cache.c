/*
 * check_cache.c - compiled programs on disk.
 *
 * Precondition: two programs of one kernel each, and what a cold run gave.
 * Claim: whatever stands in the cache - cut, zeroed, flipped, swapped, made by
 * another driver, written by many processes of which some are killed - a run
 * gives the same bits, and says at most one line about it.
 */
#include "config.h"

#include "tests/support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "device/device.h"

enum { N = 128, CHILDREN = 6 };

static const char *self; // argv[0]

struct lines {
    int warnings;
    char last[512];
};

static void
count_line(void *arg, enum moe_log_level level, const char *line)
{
    struct lines *l = arg;
    if (level > MOE_LOG_WARN)
        return;
    l->warnings++;
    snprintf(l->last, sizeof l->last, "%s", line);
}

static void
write_kernel(const char *file, const char *expression)
{
    char text[400];
    snprintf(text, sizeof text,
             "__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void\n"
             "f(__global float *y)\n"
             "{\n"
             "    const size_t i = get_global_id(0);\n"
             "    y[i] = %s;\n"
             "}\n",
             expression);
    support_write(support_path(file), text, strlen(text));
}

static int
compute(struct moe_ctx *ctx, float y[N], const char *program)
{
    struct buffer *b;
    struct launch l;
    int rc = buffer_create(ctx, &b, N * sizeof *y, "y");
    if (rc)
        return rc;
    launch_begin_in(ctx, &l, program, "", "f");
    launch_buffer(&l, b);
    rc = launch_items(&l, N);
    if (!rc)
        rc = buffer_read(b, 0, y, N * sizeof *y);
    buffer_destroy(&b);
    return rc;
}

/* One run in a context of its own.  Also called by the children, where Check's
 * assertions do not work. */
static int
attempt(struct moe_err *err, float y[N], struct lines *lines,
        const char *program, const char *cache)
{
    struct moe_ctx *ctx;
    struct moe_ctx_options opt = {
        .cache_dir = cache, .log = count_line, .log_arg = lines};
    *lines = (struct lines){0};
    int rc = moe_ctx_create(&ctx, &opt, err);
    if (rc)
        return rc;
    rc = compute(ctx, y, program);
    *err = *moe_ctx_err(ctx);
    moe_ctx_destroy(&ctx);
    return rc;
}

/* The same in a test; its lines are counted. */
static struct lines
run(float y[N], const char *program, const char *cache)
{
    struct lines lines;
    struct moe_err err = {0};
    ck_ok(&err, attempt(&err, y, &lines, program, cache));
    return lines;
}

/* The only cached files, in the order of their names. */
static size_t
cached(char path[][512], size_t most, const char *cache)
{
    char **names, dir[500];
    size_t n;
    snprintf(dir, sizeof dir, "%s/programs", cache);
    if (!fs_is_dir(dir))
        return 0;
    ck_ok(&(struct moe_err){0}, fs_list(NULL, &names, &n, dir, ""));
    for (size_t i = 0; i < n && i < most; i++) {
        char *full = str_path(dir, names[i]);
        snprintf(path[i], 512, "%s", full);
        free(full);
    }
    fs_list_free(names, n);
    return n;
}

static char *
read_all(const char *path, size_t *n)
{
    char *p;
    struct moe_err err = {0};
    ck_ok(&err, fs_read(&err, &p, n, path, 1 << 30));
    return p;
}

/* Kernels, the variables, a fresh cache with both programs, cold results. */
static const char *
begin(const char *name, float cold[2][N], char path[2][512])
{
    static char cache[512];
    support_ctx(); // skip when there is no device
    write_kernel("one.cl", "exp((float)i / 7.0f)");
    write_kernel("two.cl", "log((float)i + 1.5f)");
    setenv("POLYMOE_KERNEL_DIR", support_dir(), 1);
    setenv("POLYMOE_PROGRAM_CACHE", "always", 1);
    unsetenv("POLYMOE_TEST_DRIVER");
    snprintf(cache, sizeof cache, "%s", support_path(name));
    ck_assert_int_eq(run(cold[0], "one", cache).warnings, 0);
    ck_assert_uint_eq(cached(path, 1, cache), 1);
    ck_assert_int_eq(run(cold[1], "two", cache).warnings, 0);
    char both[2][512];
    ck_assert_uint_eq(cached(both, 2, cache), 2);
    snprintf(path[1], 512, "%s", strcmp(both[0], path[0]) ? both[0] : both[1]);
    return cache;
}

/* A run after something happened to the cache, and one after that. */
static void
expect(const char *cache, const float cold[N], const char *words)
{
    float y[N];
    struct lines lines = run(y, "one", cache);
    ck_assert_msg(lines.warnings == (words ? 1 : 0), "%d warnings: %s",
                  lines.warnings, lines.last);
    if (words)
        ck_assert_msg(strstr(lines.last, words) != NULL, "'%s' in '%s'", words,
                      lines.last);
    ck_assert(memcmp(y, cold, sizeof y) == 0);
    lines = run(y, "one", cache);
    ck_assert_msg(lines.warnings == 0, "again: %s", lines.last);
    ck_assert(memcmp(y, cold, sizeof y) == 0);
}

START_TEST(a_good_file_is_used)
{
    float cold[2][N];
    char path[2][512];
    const char *cache = begin("good", cold, path);
    struct stat before, after;
    ck_assert_int_eq(stat(path[0], &before), 0);
    expect(cache, cold[0], NULL);
    ck_assert_int_eq(stat(path[0], &after), 0);
    ck_assert(before.st_ino == after.st_ino); // read, not written again
}
END_TEST

START_TEST(a_bad_file_is_built_again)
{
    float cold[2][N];
    char path[2][512];
    const char *cache = begin("bad", cold, path);
    size_t n;
    char *file = read_all(path[0], &n), *bad = malloc(n);
    const size_t cut[] = {0, 10, 200, n / 2, n - 1};
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
        support_write(path[0], file, cut[i]);
        expect(cache, cold[0], cut[i] <= 200 ? "is cut short" : "is damaged");
    }
    const size_t flip[] = {3, 30, n / 2, n - 1};
    for (size_t i = 0; i < sizeof flip / sizeof *flip; i++) {
        memcpy(bad, file, n);
        bad[flip[i]] ^= 1;
        support_write(path[0], bad, n);
        expect(cache, cold[0], path[0]);
    }
    memset(bad, 0, n);
    support_write(path[0], bad, n);
    expect(cache, cold[0], "is damaged");
    free(file);
    free(bad);
}
END_TEST

START_TEST(swapped_files_are_found_out)
{
    float cold[2][N], y[N];
    char path[2][512];
    const char *cache = begin("swap", cold, path);
    size_t n, m;
    char *one = read_all(path[0], &n), *two = read_all(path[1], &m);
    support_write(path[0], two, m);
    support_write(path[1], one, n);
    expect(cache, cold[0], "belongs to another program");
    ck_assert_int_eq(run(y, "two", cache).warnings, 1);
    ck_assert(memcmp(y, cold[1], sizeof y) == 0);
    free(one);
    free(two);
}
END_TEST

START_TEST(another_driver_builds_again)
{
    float cold[2][N];
    char path[2][512];
    const char *cache = begin("driver", cold, path);
    setenv("POLYMOE_TEST_DRIVER", "99.1", 1);
    expect(cache, cold[0], "another version of the driver");
    unsetenv("POLYMOE_TEST_DRIVER");
    expect(cache, cold[0], "another version of the driver");
}
END_TEST

START_TEST(a_changed_kernel_is_used)
{
    float cold[2][N], y[N];
    char path[2][512];
    const char *cache = begin("kernel", cold, path);
    write_kernel("one.cl", "(float)i");
    ck_assert_int_eq(run(y, "one", cache).warnings, 0);
    ck_assert_float_eq(y[N - 1], N - 1);
    char both[3][512];
    ck_assert_uint_eq(cached(both, 3, cache), 2);
}
END_TEST

START_TEST(an_unwritable_cache_is_a_warning)
{
    float cold[2][N], y[N];
    char path[2][512], file[512];
    begin("unwritable", cold, path);
    snprintf(file, sizeof file, "%s", support_path("file"));
    support_write(file, "x", 1);
    struct lines lines = run(y, "one", file);
    ck_assert_int_eq(lines.warnings, 1);
    ck_assert(strstr(lines.last, "not kept") != NULL);
    ck_assert(memcmp(y, cold[0], sizeof y) == 0);
}
END_TEST

START_TEST(leftovers_are_removed)
{
    float cold[2][N];
    char path[2][512], old[600], new[600];
    const char *cache = begin("left", cold, path);
    snprintf(old, sizeof old, "%s.tmp.1", path[0]);
    snprintf(new, sizeof new, "%s.tmp.2", path[0]);
    support_write(old, "half", 4);
    support_write(new, "half", 4);
    const struct timeval then[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    ck_assert_int_eq(utimes(old, then), 0);
    support_write(path[0], "", 0);
    expect(cache, cold[0], "is cut short");
    ck_assert(!fs_exists(old)); // its writer is long dead
    ck_assert(fs_exists(new));  // perhaps somebody is writing
}
END_TEST

static pid_t
start(const char *cache)
{
    pid_t child = fork();
    if (child == 0) {
        execl(self, self, cache, (char *)NULL);
        _exit(127);
    }
    ck_assert(child > 0);
    return child;
}

/* Six processes build the same program; in the second round each is killed at
 * a moment of its own. */
START_TEST(many_processes_at_once)
{
    float cold[2][N];
    char path[2][512], all[CHILDREN + 2][512];
    pid_t child[CHILDREN];
    const char *cache = begin("many", cold, path);
    for (int round = 0; round < 2; round++) {
        int good = 0, status;
        unlink(path[0]);
        for (int i = 0; i < CHILDREN; i++)
            child[i] = start(cache);
        for (int i = 0; round && i < CHILDREN; i++) {
            usleep(40000);
            kill(child[i], SIGKILL);
        }
        for (int i = 0; i < CHILDREN; i++) {
            ck_assert_int_eq(waitpid(child[i], &status, 0), child[i]);
            good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
            ck_assert(round || (WIFEXITED(status) && !WEXITSTATUS(status)));
        }
        ck_assert(round || good == CHILDREN);
        expect(cache, cold[0], NULL);
        ck_assert(cached(all, CHILDREN + 2, cache) >= 2);
    }
}
END_TEST

/* What a child does: build the program or load it, without a warning. */
static int
run_child(const char *cache)
{
    float y[N];
    struct lines lines;
    struct moe_err err = {0};
    int rc = attempt(&err, y, &lines, "one", cache);
    if (rc || lines.warnings)
        fprintf(stderr, "child: %s%s\n", err.text, lines.last);
    return rc || lines.warnings;
}

static Suite *
suite(void)
{
    Suite *s = suite_create("cache");
    TCase *t = tcase_create("cache");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, a_good_file_is_used);
    tcase_add_test(t, a_bad_file_is_built_again);
    tcase_add_test(t, swapped_files_are_found_out);
    tcase_add_test(t, another_driver_builds_again);
    tcase_add_test(t, a_changed_kernel_is_used);
    tcase_add_test(t, an_unwritable_cache_is_a_warning);
    tcase_add_test(t, leftovers_are_removed);
    tcase_add_test(t, many_processes_at_once);
    suite_add_tcase(s, t);
    return s;
}

int
main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 1)
        return run_child(argv[1]);
    return support_main(suite(), 1);
}
