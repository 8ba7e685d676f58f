/*
 * main.c - polymoed: options, lock, state, sockets, the loop.
 */
#include "config.h"

#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/options.h"

struct daemon_options {
    const char *state_dir;
};

static const struct option_row rows[] = {
    {0, "state-dir", "DIR", "keep queue, logs and sockets in DIR",
     OPTION_STRING, offsetof(struct daemon_options, state_dir), 0, 0},
    {0}};

static const struct option_set set = {
    "polymoed", "[OPTION...]",
    "Queue jobs and run them, one a device, until told to end.", rows,
    "It stays in the foreground and logs to standard error.\n"};

/* Write end of the pipe that turns signals into bytes. */
static volatile sig_atomic_t signal_pipe;

static void
on_signal(int number)
{
    int kept = errno;
    unsigned char byte = (unsigned char)number;
    ssize_t n = write(signal_pipe, &byte, 1);
    (void)n; // a full pipe wakes the loop as well
    errno = kept;
}

void
daemon_log(const char *fmt, ...)
{
    char iso[CLOCK_ISO_BYTES], line[MOE_ERR_TEXT];
    struct moe_err clean;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    moe_fail(&clean, MOE_OK, "%s", line); // control bytes become '?'
    clock_iso(iso, sizeof iso, clock_wall_ms());
    fprintf(stderr, "%s polymoed: %s\n", iso, clean.text);
}

static int
catch_signals(struct moe_err *err, struct daemon *d)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGCHLD};
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    int fd[2];
    if (pipe(fd) != 0)
        return moe_fail(err, MOE_EIO, "pipe: %s", strerror(errno));
    for (int i = 0; i < 2; i++) {
        fcntl(fd[i], F_SETFL, O_NONBLOCK);
        fcntl(fd[i], F_SETFD, FD_CLOEXEC);
    }
    d->wake = fd[0];
    signal_pipe = fd[1];
    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &act, NULL);
    signal(SIGPIPE, SIG_IGN);
    return MOE_OK;
}

/* Everything before the loop, in the order that keeps a first daemon safe
 * from a second: the lock comes before the file and the sockets. */
static int
start(struct moe_err *err, struct daemon *d, const char *state_dir)
{
    int rc = endpoint_make(err, &d->where, state_dir);
    if (!rc)
        rc = endpoint_lock(err, &d->lock, d->where.state_dir, "lock");
    if (!rc && chdir(d->where.state_dir) != 0)
        rc = moe_fail(err, MOE_EIO, "%s: %s", d->where.state_dir,
                      strerror(errno));
    if (!rc)
        rc = store_open(err, &d->store, d->where.state_dir);
    if (!rc)
        rc = catch_signals(err, d);
    if (!rc)
        rc = server_open(err, d);
    return rc;
}

int
main(int argc, char **argv)
{
    struct daemon_options opt = {0};
    struct moe_err err = {0};
    int first, status = options_parse(&set, &opt, argc, argv, &first);
    if (status != OPTIONS_GO_ON)
        return status;
    if (first < argc)
        return options_usage_error(&set, "unexpected '%s'", argv[first]);
    struct daemon *d = calloc(1, sizeof *d);
    if (!d)
        return 1;
    d->lock = d->wake = -1;
    d->schedule = true;
    d->started = clock_seconds();
    umask(077);
    int rc = start(&err, d, opt.state_dir);
    if (!rc) {
        attempts_adopt(d);
        daemon_log("ready, state in %s", d->where.state_dir);
        rc = server_loop(&err, d);
    }
    if (rc)
        daemon_log("%s", err.text);
    server_close(d);
    if (d->store.db)
        store_close(&d->store);
    endpoint_free(&d->where);
    free(d);
    return moe_exit_status(rc);
}
