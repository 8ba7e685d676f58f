/*
 * device.c - find devices without trusting their drivers.
 *
 * A child process asks every platform for its devices and reports over a pipe
 * as it goes.  When a driver crashes or hangs there, we know which one it was,
 * leave it out, and start a new child behind it.  The child must be made
 * before this process uses OpenCL itself: threads of a driver do not survive
 * fork(), and the child would wait for them for ever.
 */
#include "config.h"

#include "device/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

enum { PLATFORMS = 62, DEVICES = 256, TIMEOUT_S = 30, SLICE_MS = 100 };

/* What this process knows of the drivers loaded into it: whether OpenCL is in
 * use, and one bit for each platform that must not be touched.  This is a
 * property of the process, like the drivers themselves, and not of a context.
 */
static _Atomic uint64_t process_state;
#define IN_USE (UINT64_C(1) << 63)

enum record_kind { BEGIN, DEVICE, END, DONE };

struct record {
    uint32_t kind;
    uint32_t platform;
    struct device_info info;
};

/* ---- Asking ------------------------------------------------------------- */

typedef bool record_fn(void *arg, const struct record *r);

static void
ask_platform(cl_platform_id p, struct record *r, record_fn *put, void *arg)
{
    cl_device_id device[DEVICES];
    cl_uint n = 0;
    if (clGetDeviceIDs(p, CL_DEVICE_TYPE_ALL, DEVICES, device, &n) !=
        CL_SUCCESS)
        return; // a platform without devices says so by an error
    for (cl_uint i = 0; i < n && i < DEVICES; i++) {
        if (!describe_device(&r->info, p, device[i]))
            continue;
        r->kind = DEVICE;
        r->info.platform_at = r->platform;
        r->info.device_at = i;
        if (!put(arg, r))
            return;
    }
}

/* Report every platform from `first` on that is not in `skip`. */
static void
ask_all(cl_uint first, uint64_t skip, record_fn *put, void *arg)
{
    cl_platform_id platform[PLATFORMS];
    cl_uint n = 0;
    struct record r = {0};
    if (clGetPlatformIDs(PLATFORMS, platform, &n) != CL_SUCCESS)
        n = 0;
    for (cl_uint i = first; i < n && i < PLATFORMS; i++) {
        if (skip >> i & 1)
            continue;
        r.kind = BEGIN;
        r.platform = i;
        if (!put(arg, &r))
            return;
        ask_platform(platform[i], &r, put, arg);
        r.kind = END;
        if (!put(arg, &r))
            return;
    }
    r.kind = DONE;
    put(arg, &r);
}

static bool
put_pipe(void *arg, const struct record *r)
{
    const char *p = (const char *)r;
    size_t left = sizeof *r;
    while (left) {
        ssize_t n = write(*(int *)arg, p, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        left -= (size_t)n;
    }
    return true;
}

/* The child: drivers may write what they like to where nobody sees it. */
static void
run_child(int fd, cl_uint first, const char *driver_file)
{
    int null = open("/dev/null", O_RDWR);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
    }
    signal(SIGPIPE, SIG_IGN);
    if (driver_file)
        setenv("OCL_ICD_VENDORS", driver_file, 1);
    ask_all(first, 0, put_pipe, &fd);
    _exit(0);
}

/* ---- Listening ---------------------------------------------------------- */

struct listener {
    struct device_info *v;
    size_t n, cap;
    size_t sure;     // devices of platforms that ended well
    int64_t current; // platform being asked; -1: none
    bool done;
    bool no_memory;
    moe_log_fn *log;
    void *log_arg;
};

static bool
take(void *arg, const struct record *r)
{
    struct listener *l = arg;
    switch (r->kind) {
    case BEGIN:
        l->current = r->platform;
        break;
    case DEVICE: {
        struct device_info *v = mem_grow(l->v, &l->cap, l->n + 1, sizeof *v);
        if (!v)
            return !(l->no_memory = true);
        l->v = v;
        v[l->n++] = r->info;
        break;
    }
    case END:
        l->sure = l->n;
        l->current = -1;
        break;
    default:
        l->done = true;
    }
    return true;
}

/* Wait for the child to write or end; true when it did neither.  Many short
 * waits and not a long one: while a whole job is stopped, or the machine
 * asleep, time goes on, and that is one short wait here and no silence of the
 * driver. */
static bool
stays_silent(int fd, int timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    for (int waited = 0; waited < timeout_ms; waited += SLICE_MS) {
        int ready = poll(&p, 1, SLICE_MS);
        if (ready > 0)
            return false;
        if (ready < 0 && errno != EINTR)
            return true;
    }
    return true;
}

/* Read records until the child is done, dead or silent for too long; true
 * when it was silent. */
static bool
listen_to(int fd, struct listener *l, int timeout_ms)
{
    struct record r;
    size_t have = 0;
    for (;;) {
        if (stays_silent(fd, timeout_ms))
            return true;
        ssize_t n = read(fd, (char *)&r + have, sizeof r - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        have += (size_t)n;
        if (have < sizeof r)
            continue;
        have = 0;
        if (!take(l, &r))
            return false;
    }
}

static void
warn(const struct listener *l, const char *driver_file, bool silent)
{
    char line[400];
    const char *what = silent ? "does not answer" : "crashed";
    if (!l->log)
        return;
    if (driver_file)
        snprintf(line, sizeof line, "OpenCL driver %s %s and is left out",
                 driver_file, what);
    else if (l->current >= 0)
        snprintf(line, sizeof line, "OpenCL platform %d %s and is left out",
                 (int)l->current, what);
    else
        snprintf(line, sizeof line,
                 "the OpenCL loader %s: its drivers are tried one by one",
                 what);
    l->log(l->log_arg, MOE_LOG_WARN, line);
}

/* One child from platform `first` on, with all drivers or with one. */
static int
run_probe(struct moe_err *err, struct listener *l, cl_uint first,
          const char *driver_file, int timeout_ms, bool *silent)
{
    int fd[2];
    if (pipe(fd) < 0)
        return moe_fail(err, MOE_EDEVICE, "devices: pipe: %s", strerror(errno));
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        int e = errno;
        close(fd[0]);
        close(fd[1]);
        return moe_fail(err, MOE_EDEVICE, "devices: fork: %s", strerror(e));
    }
    if (child == 0) {
        close(fd[0]);
        run_child(fd[1], first, driver_file);
    }
    close(fd[1]);
    *silent = listen_to(fd[0], l, timeout_ms);
    close(fd[0]);
    if (!l->done)
        kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    return MOE_OK;
}

/* Seconds of silence that are too long; 0: ask in this process. */
static int
timeout_seconds(void)
{
    const char *s = getenv("POLYMOE_PROBE_TIMEOUT");
    long t = s ? strtol(s, NULL, 10) : TIMEOUT_S;
    return t < 0 || t > 3600 ? TIMEOUT_S : (int)t;
}

/* Where the loader finds its drivers; NULL: it was told one file. */
static const char *
drivers_dir(void)
{
    const char *s = getenv("OCL_ICD_VENDORS");
    if (!s || !*s)
        return "/etc/OpenCL/vendors";
    return fs_is_dir(s) ? s : NULL;
}

/* One driver alone: the loader asks some drivers for their devices before it
 * tells us of any, so that one of them can take all others down. */
static int
probe_driver(struct moe_err *err, struct listener *l, const char *file,
             int timeout_ms)
{
    bool silent = false;
    size_t before = l->n;
    l->current = -1;
    l->done = false;
    int rc = run_probe(err, l, 0, file, timeout_ms, &silent);
    if (rc)
        return rc;
    if (!l->done) {
        warn(l, file, silent);
        l->n = l->sure = before;
    }
    for (size_t i = before; i < l->n; i++)
        snprintf(l->v[i].driver_file, sizeof l->v[i].driver_file, "%s", file);
    return MOE_OK;
}

static int
probe_drivers(struct moe_err *err, struct listener *l, int timeout_ms)
{
    const char *dir = drivers_dir();
    char **names;
    size_t n;
    int rc = MOE_OK;
    if (!dir || fs_list(NULL, &names, &n, dir, ".icd") != MOE_OK)
        return MOE_OK;
    l->n = l->sure = 0;
    for (size_t i = 0; !rc && i < n; i++) {
        char *file = str_path(dir, names[i]);
        rc = file ? probe_driver(err, l, file, timeout_ms)
                  : moe_fail(err, MOE_ENOMEM, "devices: out of memory");
        free(file);
    }
    fs_list_free(names, n);
    return rc;
}

static int
probe_children(struct moe_err *err, struct listener *l, int timeout_ms)
{
    cl_uint first = 0;
    while (!l->done && first < PLATFORMS) {
        bool silent = false;
        l->current = -1;
        int rc = run_probe(err, l, first, NULL, timeout_ms, &silent);
        if (rc)
            return rc;
        if (l->done || l->no_memory)
            break;
        warn(l, NULL, silent);
        l->n = l->sure; // nothing from a platform that did not end
        if (l->current < 0)
            return probe_drivers(err, l, timeout_ms);
        atomic_fetch_or(&process_state, UINT64_C(1) << l->current);
        first = (cl_uint)l->current + 1;
    }
    return MOE_OK;
}

void
probe_mark_in_use(void)
{
    atomic_fetch_or(&process_state, IN_USE);
}

int
device_list(struct moe_err *err, struct device_info **out, size_t *n,
            moe_log_fn *log, void *log_arg)
{
    struct listener l = {.log = log, .log_arg = log_arg};
    uint64_t state = atomic_load(&process_state);
    int timeout_s = timeout_seconds();
    int rc = MOE_OK;
    *out = NULL;
    *n = 0;
    if (timeout_s == 0 || state & IN_USE)
        ask_all(0, state, take, &l);
    else
        rc = probe_children(err, &l, timeout_s * 1000);
    if (!rc && l.no_memory)
        rc = moe_fail(err, MOE_ENOMEM, "devices: out of memory");
    if (rc) {
        free(l.v);
        return rc;
    }
    for (size_t i = 0; i < l.n; i++)
        l.v[i].index = (int)i;
    *out = l.v;
    *n = l.n;
    return MOE_OK;
}
