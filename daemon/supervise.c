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
#include "base/str.h"

/* Seconds that an adopted worker without a lock gets to take it, and that a
 * job gets beyond its time_limit to end by itself. */
static const double ADOPT_S = 2, LIMIT_S = 2;

/* worker.log begins anew here. */
enum { OUTPUT_BYTES = 16 << 20 };

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
    /* Also those that this daemon inherited itself. */
    const long most = sysconf(_SC_OPEN_MAX);
    for (int fd = 3; fd < (most < 0 || most > 65536 ? 65536 : most); fd++)
        if (fd != lock)
            close(fd);
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
        log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
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
                       "UPDATE jobs SET attempt=?, token=?, pid=NULL, stop=0, "
                       "started_ms=? WHERE id=?",
                       "isii", a->number, token, clock_wall_ms(), a->job);
    return rc ? rc
              : job_set_state(err, d, a->job, PROTO_STATE_starting,
                              "its worker starts");
}

/* The time_limit on our clock. */
static void
set_limit(struct daemon *d, struct attempt *a)
{
    int64_t until = store_number(&d->store,
                                 "SELECT started_ms + 1000 * time_limit_s "
                                 "FROM jobs WHERE id=? AND time_limit_s>0",
                                 a->job, 0);
    if (until)
        a->limit = clock_seconds() + (double)(until - clock_wall_ms()) / 1000 +
                   LIMIT_S;
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
    if (rc) {
        remove_attempt(d, a);
        return rc;
    }
    set_limit(d, a);
    system_identity(a->identity, a->pid);
    /* Only a later daemon needs it, which also finds the lock's holder. */
    store_run(NULL, &d->store,
              "UPDATE jobs SET pid=?, pid_identity=? WHERE id=?", "isi",
              (int64_t)a->pid, a->identity, job);
    return MOE_OK;
}

/* Children that an adopted worker left behind.  Its number may be another
 * process's by now: only when it is the same process, or none in the same
 * boot, the group is still its own. */
static void
kill_left_over(const struct attempt *a)
{
    char now[SYSTEM_IDENTITY];
    const char *start = strchr(a->identity, '/');
    if (a->pid <= 0 || !start || start == a->identity)
        return;
    size_t boot = (size_t)(start - a->identity) + 1;
    system_identity(now, a->pid);
    if (strcmp(now, a->identity) == 0 ||
        (strncmp(now, a->identity, boot) == 0 && !now[boot]))
        kill(-a->pid, SIGKILL);
}

static void
adopt(struct daemon *d, sqlite3_stmt *row)
{
    struct attempt *a = add_attempt(d, sqlite3_column_int64(row, 0),
                                    sqlite3_column_int64(row, 1));
    if (!a)
        return;
    pid_t holder = endpoint_holder(a->dir, "lock");
    a->pid = holder ? holder : (pid_t)sqlite3_column_int64(row, 3);
    snprintf(a->identity, sizeof a->identity, "%s", store_text(row, 4));
    if (holder)
        system_identity(a->identity, holder);
    daemon_log(MOE_LOG_INFO, "job %lld: worker of an earlier daemon %s",
               (long long)a->job, holder ? "lives on" : "is gone");
    if (!holder) {
        kill_left_over(a);
        a->pid = 0;
    }
    set_limit(d, a);
    if (sqlite3_column_int(row, 2))
        job_request_stop(d, a);
}

void
attempts_adopt(struct daemon *d)
{
    sqlite3_stmt *rows;
    if (store_rows(
            NULL, &d->store, &rows,
            "SELECT id, attempt, stop, pid, pid_identity FROM jobs WHERE "
            "state IN ('starting','running','checkpointing','stopping')",
            ""))
        return;
    while (store_next(&d->store, rows))
        adopt(d, rows);
    sqlite3_finalize(rows);
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
    if (endpoint_holder(a->dir, "lock") || clock_seconds() <= a->born + ADOPT_S)
        return false;
    kill_left_over(a);
    return true;
}

/* The job may end itself in time; if not, it is stopped. */
static void
enforce_limit(struct daemon *d, struct attempt *a)
{
    if (a->limit <= 0 || clock_seconds() < a->limit || a->kill_at > 0)
        return;
    if (!store_run(NULL, &d->store,
                   "UPDATE jobs SET stop=? WHERE id=? AND stop=0", "ii",
                   (int64_t)STOP_LIMIT, a->job) &&
        !job_set_state(NULL, d, a->job, PROTO_STATE_stopping,
                       "ran longer than its time_limit"))
        job_request_stop(d, a);
}

/* What a worker and its drivers print is kept while it is little. */
static void
cap_output(const struct attempt *a)
{
    static const char note[] = "(earlier lines were left out)\n";
    struct stat st;
    char *path = str_path(a->dir, "worker.log");
    int fd = path && stat(path, &st) == 0 && st.st_size > OUTPUT_BYTES
                 ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW)
                 : -1;
    if (fd >= 0) {
        if (ftruncate(fd, 0) == 0 && write(fd, note, sizeof note - 1) < 0)
            daemon_log(MOE_LOG_WARN, "%s: %s", path, strerror(errno));
        close(fd);
    }
    free(path);
}

static void
watch(struct daemon *d, struct attempt *a)
{
    enforce_limit(d, a);
    if (a->pid > 0 && a->kill_at > 0 && clock_seconds() > a->kill_at)
        kill(-a->pid, SIGKILL);
    if (clock_seconds() >= a->look_at) {
        a->look_at = clock_seconds() + 1;
        cap_output(a);
    }
}

void
attempts_reap(struct daemon *d)
{
    for (struct attempt *a = d->attempts, *next; a; a = next) {
        next = a->next;
        if (!a->ended)
            a->ended = has_ended(a, &a->status);
        if (!a->ended) {
            watch(d, a);
        } else if (clock_seconds() >= a->look_at || !d->no_room) {
            a->look_at = clock_seconds() + 1;
            if (attempt_settle(d, a))
                remove_attempt(d, a);
        }
    }
}

void
attempts_stop(struct daemon *d, int signal, bool requeue)
{
    for (struct attempt *a = d->attempts; a; a = a->next) {
        if (a->pid <= 0 || a->ended)
            continue;
        a->requeue |= requeue;
        if (a->kill_at <= 0)
            a->kill_at = clock_seconds() + (double)d->conf.shutdown_grace_s;
        kill(-a->pid, signal);
    }
}
