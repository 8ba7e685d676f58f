/*
 * main.c - polymoe-worker: one attempt of one job.
 *
 * Started by polymoed as `polymoe-worker STATE_DIR ATTEMPT_DIR`, already
 * holding the lock of ATTEMPT_DIR and standing in it.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/str.h"
#include "daemon/worker/worker.h"

static void
on_signal(int number)
{
    (void)number;
    link_stop();
}

static void
catch_signals(void)
{
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&act.sa_mask);
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGINT, &act, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* How it ended, durable before the process ends. */
static int
write_result(struct moe_err *err, const char *dir, const struct moe_err *end)
{
    char *path = str_path(dir, "result.json");
    json_t *root = json_pack("{s:i, s:s, s:s}", "code", end->code, "error",
                             end->code ? moe_errname(end->code) : "", "message",
                             end->text);
    int rc = path && root ? json_write(err, root, path)
                          : moe_fail(err, MOE_ENOMEM, "result: out of memory");
    json_decref(root);
    free(path);
    return rc;
}

static int
run(struct moe_err *err, const char *state_dir, const char *attempt_dir)
{
    struct link *link = NULL;
    struct job_spec spec = {0};
    char *out_dir = NULL;
    int rc = link_open(err, &link, state_dir, attempt_dir, &spec, &out_dir);
    if (!rc) {
        struct job_env env = {.out_dir = out_dir, .sink = link_sink(link)};
        rc = job_run(err, &spec, &env);
    }
    link_close(&link);
    job_spec_free(&spec);
    free(out_dir);
    return rc;
}

int
main(int argc, char **argv)
{
    struct moe_err err = {0}, failure = {0};
    if (argc != 3) {
        fputs("polymoe-worker is started by polymoed(8).\n", stderr);
        return 2;
    }
    umask(077);
    catch_signals();
    int rc = run(&err, argv[1], argv[2]);
    err.code = rc;
    if (rc)
        fprintf(stderr, "polymoe-worker: %s\n", err.text);
    /* An attempt that is not wanted has no result to give. */
    if (rc != MOE_EDENIED && rc != MOE_ENODAEMON &&
        write_result(&failure, argv[2], &err)) {
        fprintf(stderr, "polymoe-worker: %s\n", failure.text);
        return moe_exit_status(failure.code);
    }
    return moe_exit_status(rc);
}
