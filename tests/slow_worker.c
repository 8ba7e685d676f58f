/*
 * slow_worker.c - a worker for tests of the daemon: its job only waits.
 *
 * Runs until the file `finish` stands in the job's directory, or not at all
 * when the job's name begins with "short"; adds a line to `started` there at
 * its start; ignores being asked to stop while `stubborn` stands there; leaves
 * a child behind when `child` stands there; writes the numbers from 1 to 10000
 * into its log when `lines` stands there, and prints 20 MB when `noisy` does.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "job/job.h"
#include "job/spec.h"

static bool
has(const struct job_env *env, const char *name)
{
    char *path = str_path(env->out_dir, name);
    bool found = path && fs_exists(path);
    free(path);
    return found;
}

static int
mark_start(struct moe_err *err, const struct job_env *env)
{
    char *path = str_path(env->out_dir, "started");
    int rc = fs_mkdirs(err, env->out_dir, 0700);
    FILE *f = !rc && path ? fopen(path, "a") : NULL;
    if (!rc && (!f || fprintf(f, "%ld\n", (long)getpid()) < 0))
        rc = moe_fail(err, MOE_EIO, "started: cannot be written");
    if (f)
        fclose(f);
    free(path);
    return rc;
}

static int
write_lines(struct moe_err *err, const struct job_env *env)
{
    char *path = str_path(env->out_dir, "log.txt");
    FILE *f = path ? fopen(path, "a") : NULL;
    int rc = f ? MOE_OK : moe_fail(err, MOE_EIO, "log.txt: cannot be opened");
    for (int i = 1; f && i <= 10000; i++) {
        char line[16];
        snprintf(line, sizeof line, "%d", i);
        fprintf(f, "2026-01-01T00:00:00.000Z info %s\n", line);
        fflush(f);
        env->sink.log(env->sink.arg, MOE_LOG_INFO, line);
    }
    if (f)
        fclose(f);
    free(path);
    return rc;
}

static void
print_much(void)
{
    for (int i = 0; i < 400000; i++)
        fprintf(stderr, "%s\n", "a driver that says the same all day long ...");
}

int
job_run(struct moe_err *err, const struct job_spec *spec,
        const struct job_env *env)
{
    const struct job_sink *sink = &env->sink;
    const bool brief = spec->name && strncmp(spec->name, "short", 5) == 0;
    int rc = mark_start(err, env);
    if (!rc && has(env, "child") && fork() == 0)
        for (;;)
            pause();
    if (!rc && has(env, "lines"))
        rc = write_lines(err, env);
    if (!rc && has(env, "noisy"))
        print_much();
    for (uint64_t i = 0; !rc && !brief && !has(env, "finish"); i++) {
        sink->progress(sink->arg, &(struct moe_progress){.phase = "wait",
                                                         .unit = "turns",
                                                         .done = i});
        usleep(20000);
        if (sink->stopping(sink->arg) && !has(env, "stubborn"))
            rc = moe_fail(err, MOE_ECANCEL, "stopped when asked");
    }
    return rc;
}
