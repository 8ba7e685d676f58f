/*
 * slow_worker.c - a worker for tests of the daemon: its job only waits.
 *
 * Runs until the file `finish` stands in the job's directory; adds a line to
 * `started` there at its start; ignores being asked to stop while `stubborn`
 * stands there; leaves a child behind when `child` stands there.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "job/job.h"

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

int
job_run(struct moe_err *err, const struct job_spec *spec,
        const struct job_env *env)
{
    const struct job_sink *sink = &env->sink;
    (void)spec;
    int rc = mark_start(err, env);
    if (!rc && has(env, "child") && fork() == 0)
        for (;;)
            pause();
    for (uint64_t i = 0; !rc && !has(env, "finish"); i++) {
        sink->progress(sink->arg, &(struct moe_progress){.phase = "wait",
                                                         .unit = "turns",
                                                         .done = i});
        usleep(20000);
        if (sink->stopping(sink->arg) && !has(env, "stubborn"))
            rc = moe_fail(err, MOE_ECANCEL, "stopped when asked");
    }
    return rc;
}
