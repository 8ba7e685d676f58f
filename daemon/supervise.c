/*
 * supervise.c - workers: start them, adopt those of the daemon before, see
 * how they end.
 *
 * A worker holds the lock of its attempt's directory from before its exec
 * until it ends, so that a successor of this daemon knows whether it lives.
 * It computes only after this daemon accepted its token (worker_link.c), and
 * writes result.json before it ends.
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
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"

/* Seconds that an adopted worker without a lock gets to take it. */
static const double ADOPT_S = 2;

struct attempt *
attempt_find(struct daemon *d, int64_t job)
{
    struct attempt *a = d->attempts;
    while (a && a->job != job)
        a = a->next;
    return a;
}

static struct attempt *
add_attempt(struct daemon *d, int64_t job, int64_t number)
{
    struct attempt *a = calloc(1, sizeof *a);
    if (a)
        a->dir = str_format("%s/attempts/%lld-%lld", d->where.state_dir,
                            (long long)job, (long long)number);
    if (!a || !a->dir) {
        free(a);
        return NULL;
    }
    a->job = job;
    a->number = number;
    a->born = clock_seconds();
    a->next = d->attempts;
    d->attempts = a;
    return a;
}

static void
remove_attempt(struct daemon *d, struct attempt *gone)
{
    struct attempt **at = &d->attempts;
    while (*at != gone)
        at = &(*at)->next;
    *at = gone->next;
    free(gone->dir);
    free(gone);
}

static const char *
worker_program(void)
{
    const char *path = getenv("POLYMOE_WORKER");
    return path && path[0] ? path : PKGLIBEXECDIR "/polymoe-worker";
}

/* In the child: lock, log, no other descriptor, exec.  Only calls that are
 * safe after a fork. */
static void
become_worker(const struct attempt *a, int lock, int log, int null,
              char *const argv[])
{
    struct flock want = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (setpgid(0, 0) != 0 || fcntl(lock, F_SETLK, &want) != 0 ||
        fcntl(lock, F_SETFD, 0) != 0 || chdir(a->dir) != 0 ||
        dup2(null, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
        dup2(log, STDERR_FILENO) < 0)
        _exit(126);
    execv(argv[0], argv);
    _exit(127);
}

static int
fork_worker(struct moe_err *err, struct daemon *d, struct attempt *a)
{
    char *lock_path = str_path(a->dir, "lock");
    char *log_path = str_path(a->dir, "worker.log");
    char *program = str_copy(worker_program());
    char *argv[] = {program, d->where.state_dir, a->dir, NULL};
    int lock = -1, log = -1, null = -1, rc = MOE_OK;
    if (lock_path && log_path && program) {
        lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        log = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    if (lock < 0 || log < 0 || null < 0)
        rc = moe_fail(err, MOE_EIO, "%s: %s", a->dir, strerror(errno));
    else if (access(program, X_OK) != 0)
        rc = moe_fail(err, MOE_EIO, "%s: %s", program, strerror(errno));
    else if ((a->pid = fork()) < 0)
        rc = moe_fail(err, MOE_EIO, "fork: %s", strerror(errno));
    else if (a->pid == 0)
        become_worker(a, lock, log, null, argv);
    else
        setpgid(a->pid, a->pid);
    for (int i = 0, fd[] = {lock, log, null}; i < 3; i++)
        if (fd[i] >= 0)
            close(fd[i]);
    free(lock_path);
    free(log_path);
    free(program);
    return rc;
}

/* A new attempt's directory with its token, which is stored too. */
static int
prepare(struct moe_err *err, struct daemon *d, const struct attempt *a)
{
    unsigned char noise[16];
    char token[33];
    randombytes_buf(noise, sizeof noise);
    sodium_bin2hex(token, sizeof token, noise, sizeof noise);
    char *path = str_path(a->dir, "token");
    int rc = path ? fs_mkdirs(err, a->dir, 0700)
                  : moe_fail(err, MOE_ENOMEM, "attempt: out of memory");
    if (!rc)
        rc = fs_write(err, path, token, strlen(token));
    free(path);
    if (!rc)
        rc = store_run(err, &d->store,
                       "UPDATE jobs SET attempt=?, token=?, pid=NULL, "
                       "started_ms=? WHERE id=?",
                       "isii", a->number, token, clock_wall_ms(), a->job);
    return rc ? rc
              : job_set_state(err, d, a->job, PROTO_STATE_starting,
                              "its worker starts");
}

int
attempt_start(struct moe_err *err, struct daemon *d, int64_t job)
{
    int64_t number =
        1 +
        store_number(&d->store, "SELECT attempt FROM jobs WHERE id=?", job, 0);
    struct attempt *a = add_attempt(d, job, number);
    if (!a)
        return moe_fail(err, MOE_ENOMEM, "attempt: out of memory");
    a->child = true;
    int rc = prepare(err, d, a);
    if (!rc)
        rc = fork_worker(err, d, a);
    if (!rc)
        rc = store_run(err, &d->store, "UPDATE jobs SET pid=? WHERE id=?", "ii",
                       (int64_t)a->pid, job);
    if (rc && a->pid <= 0)
        remove_attempt(d, a);
    return rc;
}

void
attempts_adopt(struct daemon *d)
{
    sqlite3_stmt *rows;
    if (store_rows(NULL, &d->store, &rows,
                   "SELECT id, attempt, cancel FROM jobs WHERE state IN "
                   "('starting','running','checkpointing','stopping')",
                   ""))
        return;
    while (store_next(&d->store, rows)) {
        struct attempt *a = add_attempt(d, sqlite3_column_int64(rows, 0),
                                        sqlite3_column_int64(rows, 1));
        if (!a)
            break;
        a->pid = endpoint_holder(a->dir, "lock");
        daemon_log("job %lld: worker of an earlier daemon %s",
                   (long long)a->job, a->pid ? "lives on" : "is gone");
        if (a->pid && sqlite3_column_int(rows, 2))
            job_request_stop(d, a);
    }
    sqlite3_finalize(rows);
}

/* What the worker itself said; false: nothing. */
static bool
read_result(const struct attempt *a, int *code, char *text, size_t cap)
{
    char *path = str_path(a->dir, "result.json");
    json_t *root = NULL;
    bool known = path && fs_exists(path) && !json_read(NULL, &root, path) &&
                 json_is_integer(json_object_get(root, "code"));
    if (known) {
        const char *s = json_string_value(json_object_get(root, "message"));
        *code = (int)json_integer_value(json_object_get(root, "code"));
        snprintf(text, cap, "%s", s ? s : "");
    }
    json_decref(root);
    free(path);
    return known;
}

static enum proto_state
state_of(int code)
{
    return code == MOE_OK         ? PROTO_STATE_succeeded
           : code == MOE_ECANCEL  ? PROTO_STATE_cancelled
           : code == MOE_ETIMEOUT ? PROTO_STATE_timed_out
                                  : PROTO_STATE_failed;
}

/* A worker that left no result: what the system says about its end. */
static enum proto_state
silent_end(const struct attempt *a, bool cancelled, int status, char *text,
           size_t cap)
{
    if (cancelled) {
        snprintf(text, cap, "cancelled, its worker was killed");
        return PROTO_STATE_cancelled;
    }
    if (!a->child) {
        snprintf(text, cap,
                 "its worker ended while no daemon ran, and left "
                 "no result");
        return PROTO_STATE_lost;
    }
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        snprintf(text, cap,
                 "its worker was killed by signal 9: out of memory, "
                 "or by hand");
    else if (WIFSIGNALED(status))
        snprintf(text, cap, "its worker ended by signal %d", WTERMSIG(status));
    else
        snprintf(text, cap,
                 "its worker ended with status %d and no result, "
                 "see %.300s/worker.log",
                 WEXITSTATUS(status), a->dir);
    return PROTO_STATE_failed;
}

static void
attempt_ended(struct daemon *d, struct attempt *a, int status)
{
    char text[MOE_ERR_TEXT] = "";
    int code = MOE_OK;
    const bool cancelled = store_number(
        &d->store, "SELECT cancel FROM jobs WHERE id=?", a->job, 0);
    const bool told = read_result(a, &code, text, sizeof text);
    enum proto_state state =
        told ? state_of(code)
             : silent_end(a, cancelled, status, text, sizeof text);
    bool interrupted =
        a->requeue && !cancelled && (told ? code == MOE_ECANCEL : true);
    if (interrupted) {
        state = PROTO_STATE_queued;
        snprintf(text, sizeof text, "stopped with the daemon, runs again");
    } else if (told) {
        store_run(NULL, &d->store, "UPDATE jobs SET exit=? WHERE id=?", "ii",
                  (int64_t)moe_exit_status(code), a->job);
    }
    job_set_state(NULL, d, a->job, state, text);
    remove_attempt(d, a);
}

/* Has this worker ended?  *status is the system's word for a child. */
static bool
has_ended(struct attempt *a, int *status)
{
    *status = 0;
    if (a->child) {
        siginfo_t info = {0};
        if (waitid(P_PID, (id_t)a->pid, &info, WEXITED | WNOHANG | WNOWAIT) ||
            info.si_pid != a->pid)
            return false;
        /* While it is not reaped its group's number is its own. */
        kill(-a->pid, SIGKILL);
        return waitpid(a->pid, status, 0) == a->pid;
    }
    pid_t holder = endpoint_holder(a->dir, "lock");
    if (holder)
        a->pid = holder;
    return !holder && clock_seconds() > a->born + ADOPT_S;
}

void
attempts_reap(struct daemon *d)
{
    for (struct attempt *a = d->attempts, *next; a; a = next) {
        int status;
        next = a->next;
        if (has_ended(a, &status))
            attempt_ended(d, a, status);
        else if (a->pid > 0 && a->kill_at > 0 && clock_seconds() > a->kill_at)
            kill(-a->pid, SIGKILL);
    }
}

void
attempts_stop(struct daemon *d, int signal, bool requeue)
{
    for (struct attempt *a = d->attempts; a; a = a->next) {
        if (a->pid <= 0)
            continue;
        a->requeue |= requeue;
        if (a->kill_at <= 0)
            a->kill_at = clock_seconds() + 30;
        kill(-a->pid, signal);
    }
}
