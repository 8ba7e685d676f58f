/*
 * main.c - polymoed: options, lock, state, sockets, the loop.
 */
#include "config.h"

#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/options.h"
#include "base/str.h"

struct daemon_options {
    const char *config, *state_dir, *log_level;
    struct option_list set;
    bool check, dump;
    char *config_path; // absolute
};

#define AT(field) offsetof(struct daemon_options, field)
static const struct option_row rows[] = {
    {'c', "config", "FILE", "read settings from FILE", OPTION_STRING,
     AT(config), 0, 0},
    {0, "state-dir", "DIR", "keep queue, logs and sockets in DIR",
     OPTION_STRING, AT(state_dir), 0, 0},
    {0, "log-level", "LEVEL", "error, warn, info or debug", OPTION_STRING,
     AT(log_level), 0, 0},
    {'s', "set", "KEY=VALUE", "use this setting; may be repeated", OPTION_LIST,
     AT(set), 0, 0},
    {0, "check-config", NULL, "read the settings, say what is wrong, end",
     OPTION_FLAG, AT(check), 0, 0},
    {0, "dump-config", NULL, "print the settings in use as a file, end",
     OPTION_FLAG, AT(dump), 0, 0},
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

static int
catch_signals(struct moe_err *err, struct daemon *d)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
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

static int
set_from_options(struct moe_err *err, struct settings *c,
                 const struct daemon_options *opt)
{
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < opt->set.n; i++) {
        const char *word = opt->set.value[i], *value = strchr(word, '=');
        char *key =
            value ? str_format("%.*s", (int)(value - word), word) : NULL;
        rc = key ? settings_set(err, c, key, value + 1)
                 : moe_fail(err, MOE_EINVAL, "'%s', want KEY=VALUE", word);
        free(key);
    }
    if (!rc && opt->log_level)
        rc = settings_set(err, c, "log_level", opt->log_level);
    return rc;
}

/* The daemon leaves the directory that a relative name means. */
static int
resolve_config(struct moe_err *err, struct daemon_options *opt)
{
    return opt->config ? fs_realpath(err, &opt->config_path, opt->config)
                       : MOE_OK;
}

/* Defaults, file, environment, options: the later wins. */
static int
read_settings(struct moe_err *err, struct settings *c,
              const struct daemon_options *opt)
{
    char *path =
        opt->config_path ? str_copy(opt->config_path) : settings_find();
    settings_init(c);
    int rc = path ? settings_read(err, c, path) : MOE_OK;
    if (!rc)
        rc = settings_environment(err, c);
    if (!rc)
        rc = set_from_options(err, c, opt);
    free(path);
    if (rc)
        settings_free(c);
    return rc;
}

void
daemon_reload(struct daemon *d)
{
    struct moe_err err = {0};
    struct settings fresh;
    if (read_settings(&err, &fresh, d->options)) {
        daemon_log(MOE_LOG_ERROR, "the old settings stay: %s", err.text);
        return;
    }
    const char *was = d->conf.state_dir ? d->conf.state_dir : "";
    if (strcmp(was, fresh.state_dir ? fresh.state_dir : "") != 0)
        daemon_log(MOE_LOG_WARN, "state_dir changes when polymoed starts "
                                 "again");
    free(fresh.state_dir);
    fresh.state_dir = d->conf.state_dir;
    d->conf = fresh;
    daemon_log_level(d->conf.log_level);
    daemon_log(MOE_LOG_INFO, "the settings were read again");
}

static int
show_settings(const struct settings *c, bool dump)
{
    struct str text = {0};
    if (dump)
        settings_dump(&text, c);
    bool good = !text.failed && (!text.s || fputs(text.s, stdout) >= 0) &&
                fflush(stdout) == 0;
    str_free(&text);
    return good ? 0 : moe_exit_status(MOE_EIO);
}

/* The daemon from its start to its end. */
static int
serve(struct daemon *d, const char *state_dir)
{
    struct moe_err err = {0};
    d->lock = d->wake = -1;
    d->schedule = true;
    d->started = clock_seconds();
    daemon_log_level(d->conf.log_level);
    umask(077);
    int rc = start(&err, d, state_dir ? state_dir : d->conf.state_dir);
    if (!rc) {
        d->logged =
            store_number(&d->store, "SELECT max(seq) FROM events", 0, 0);
        attempts_adopt(d);
        daemon_log(MOE_LOG_INFO, "ready, state in %s", d->where.state_dir);
        notify_send("READY=1");
        rc = server_loop(&err, d);
        notify_send("STOPPING=1");
        event_log_states(d);
    }
    if (rc)
        daemon_log(MOE_LOG_ERROR, "%s", err.text);
    server_close(d);
    if (d->store.db)
        store_close(&d->store);
    endpoint_free(&d->where);
    return moe_exit_status(rc);
}

int
main(int argc, char **argv)
{
    struct daemon_options opt = {0};
    struct moe_err err = {0};
    int first, status = options_parse(&set, &opt, argc, argv, &first);
    if (status == OPTIONS_GO_ON && first < argc)
        status = options_usage_error(&set, "unexpected '%s'", argv[first]);
    struct daemon *d = status == OPTIONS_GO_ON ? calloc(1, sizeof *d) : NULL;
    if (d &&
        (resolve_config(&err, &opt) || read_settings(&err, &d->conf, &opt))) {
        fprintf(stderr, "polymoed: %s\n", err.text);
        status = moe_exit_status(err.code);
    } else if (d) {
        d->options = &opt;
        status = opt.check || opt.dump ? show_settings(&d->conf, opt.dump)
                                       : serve(d, opt.state_dir);
        settings_free(&d->conf);
    }
    free(d);
    option_list_free(&opt.set);
    free(opt.config_path);
    return status == OPTIONS_GO_ON ? 1 : status;
}
