/*
 * support.c - what the check programs share.
 */
#include "config.h"

#include "tests/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/str.h"

enum { PATHS = 8 };

static struct moe_ctx *shared;

int
support_main(Suite *suite, int device)
{
    SRunner *sr = srunner_create(suite);
    if (device)
        srunner_set_fork_status(sr, CK_NOFORK);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    /* Not in an exit handler: drivers have thread-local data, and that is gone
     * by then. */
    moe_ctx_destroy(&shared);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Warnings and worse belong in the test's log. */
static void
print_line(void *arg, enum moe_log_level level, const char *line)
{
    (void)arg;
    if (level <= MOE_LOG_WARN)
        fprintf(stderr, "%s\n", line);
}

struct moe_ctx *
support_ctx(void)
{
    struct moe_err err = {0};
    struct moe_ctx_options opt = {.log = print_line};
    if (shared)
        return shared;
    int rc = moe_ctx_create(&shared, &opt, &err);
    if (rc == MOE_EDEVICE && !getenv("POLYMOE_DEVICE")) {
        fprintf(stderr, "%s\n", err.text);
        exit(77);
    }
    ck_ok(&err, rc);
    return shared;
}

struct moe_ctx *
support_limited(uint64_t max_alloc)
{
    struct moe_ctx *ctx;
    struct moe_err err = {0};
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)max_alloc);
    setenv("POLYMOE_MAX_ALLOC", text, 1);
    int rc = moe_ctx_create(&ctx, NULL, &err);
    unsetenv("POLYMOE_MAX_ALLOC");
    ck_ok(&err, rc);
    return ctx;
}

void
support_expect(const struct moe_err *err, int rc, int code, const char *part,
               const char *file, int line)
{
    if (rc != code)
        ck_abort_msg("%s:%d: got %s (%s), want %s", file, line, moe_errname(rc),
                     rc ? err->text : "", moe_errname(code));
    if (!strstr(err->text, part))
        ck_abort_msg("%s:%d: '%s' does not contain '%s'", file, line, err->text,
                     part);
}

static char dir[256];
static pid_t dir_owner;

static void
remove_dir(void)
{
    char command[300];
    if (getpid() != dir_owner)
        return;
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    if (system(command) != 0)
        fprintf(stderr, "%s: not removed\n", dir);
}

const char *
support_dir(void)
{
    if (!dir[0]) {
        const char *tmp = getenv("TMPDIR");
        snprintf(dir, sizeof dir, "%s/polymoe-check-XXXXXX",
                 tmp ? tmp : "/tmp");
        if (!mkdtemp(dir))
            ck_abort_msg("%s: cannot make a directory", dir);
        dir_owner = getpid();
        atexit(remove_dir);
    }
    return dir;
}

const char *
support_path(const char *name)
{
    static char path[PATHS][512];
    static int next;
    char *p = path[next++ % PATHS];
    snprintf(p, sizeof path[0], "%s/%s", support_dir(), name);
    return p;
}

void
support_write(const char *path, const void *p, size_t n)
{
    FILE *f = fopen(path, "wb");
    ck_assert_msg(f != NULL, "%s: cannot write", path);
    ck_assert_uint_eq(fwrite(p, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
}

void
support_normal(float *x, size_t n, uint64_t seed, double scale)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(scale * rng_normal(seed, 0, i));
}

void
support_close(const char *what, const float *got, const double *want, size_t n,
              double abs, double rel)
{
    size_t worst = 0;
    double most = -1;
    for (size_t i = 0; i < n; i++) {
        double excess = fabs(got[i] - want[i]) - (abs + rel * fabs(want[i]));
        if (isnan(got[i]) != isnan(want[i]))
            excess = INFINITY;
        else if (isnan(want[i]) || (double)got[i] == want[i])
            excess = 0; // also for infinities
        if (excess > most || i == 0) {
            most = excess;
            worst = i;
        }
    }
    if (n)
        ck_assert_msg(most <= 0, "%s[%zu]: got %.9g, want %.9g", what, worst,
                      got[worst], want[worst]);
}

void
support_lattice(float *x, size_t n, uint64_t seed, double scale)
{
    support_normal(x, n, seed, scale);
    for (size_t i = 0; i < n; i++)
        x[i] = rintf(x[i] * 1024) / 1024;
}

double
support_derivative(double (*f)(void *arg), void *arg, float *x,
                   const float *direction, size_t n)
{
    static const double factor[] = {1, -8, 0, 8, -1};
    const double h = 1.0 / 256;
    double sum = 0;
    for (int k = 0; k < 5; k++) {
        for (size_t i = 0; i < n; i++)
            x[i] += (float)((k ? 1 : -2) * h) * direction[i];
        sum += factor[k] * f(arg);
    }
    for (size_t i = 0; i < n; i++)
        x[i] -= (float)(2 * h) * direction[i];
    return sum / (12 * h);
}
