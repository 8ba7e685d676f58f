/*
 * endpoint.c - the state directory, its sockets' addresses and its locks.
 */
#include "config.h"

#include "proto/endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"

static const char CONTROL[] = "control.sock";
static const char WORKER[] = "worker.sock";

/* Longest path that a socket's address takes, without its zero. */
enum { ADDRESS_MAX = sizeof((struct sockaddr_un){0}).sun_path - 1 };

static int
no_memory(struct moe_err *err)
{
    return moe_fail(err, MOE_ENOMEM, "state directory: out of memory");
}

static const char *
home(void)
{
    const char *dir = getenv("HOME");
    if (dir && dir[0] == '/')
        return dir;
    const struct passwd *pw = getpwuid(geteuid());
    return pw ? pw->pw_dir : NULL;
}

static char *
default_dir(void)
{
    const char *dir = getenv("XDG_STATE_HOME");
    if (dir && dir[0] == '/')
        return str_path(dir, "polymoe");
    return (dir = home()) ? str_path(dir, ".local/state/polymoe") : NULL;
}

static int
name_dir(struct moe_err *err, char **out, const char *given)
{
    char cwd[4096];
    const char *dir = given ? given : getenv("POLYMOE_STATE_DIR");
    if (dir && !dir[0])
        return moe_fail(err, MOE_EINVAL, "state directory: empty name");
    if (dir && dir[0] != '/' && !getcwd(cwd, sizeof cwd))
        return moe_fail(err, MOE_EINVAL, "%s: no working directory: %s", dir,
                        strerror(errno));
    *out = dir ? str_path(dir[0] == '/' ? NULL : cwd, dir) : default_dir();
    if (!*out)
        return moe_fail(err, MOE_EINVAL,
                        "state directory: no home directory, set "
                        "POLYMOE_STATE_DIR");
    for (size_t n = strlen(*out); n > 1 && (*out)[n - 1] == '/'; n--)
        (*out)[n - 1] = '\0';
    return MOE_OK;
}

/* A short name of the directory, through a descriptor of it. */
static int
shorten(struct moe_err *err, struct endpoint *e, char **base)
{
    if (access("/proc/self/fd", X_OK) != 0)
        return moe_fail(
            err, MOE_EINVAL, "%s: %zu bytes, a socket in it allows at most %zu",
            e->state_dir, strlen(e->state_dir), ADDRESS_MAX - sizeof CONTROL);
    int fd = open(e->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return (*base = str_copy(e->state_dir)) ? MOE_OK : no_memory(err);
    if (fd < 0)
        return moe_fail(err, errno == EACCES ? MOE_EDENIED : MOE_EINVAL,
                        "%s: %s", e->state_dir, strerror(errno));
    e->fd = fd;
    *base = str_format("/proc/self/fd/%d", fd);
    return *base ? MOE_OK : no_memory(err);
}

static int
name_sockets(struct moe_err *err, struct endpoint *e)
{
    char *base = NULL;
    int rc = MOE_OK;
    if (strlen(e->state_dir) + sizeof CONTROL > ADDRESS_MAX)
        rc = shorten(err, e, &base);
    else if (!(base = str_copy(e->state_dir)))
        rc = no_memory(err);
    if (!rc) {
        e->control = str_format("ipc://%s/%s", base, CONTROL);
        e->worker = str_format("ipc://%s/%s", base, WORKER);
        if (!e->control || !e->worker)
            rc = no_memory(err);
    }
    free(base);
    return rc;
}

int
endpoint_find(struct moe_err *err, struct endpoint *out, const char *state_dir)
{
    *out = (struct endpoint){0};
    int rc = name_dir(err, &out->state_dir, state_dir);
    if (!rc)
        rc = name_sockets(err, out);
    if (rc)
        endpoint_free(out);
    return rc;
}

int
endpoint_make(struct moe_err *err, struct endpoint *out, const char *state_dir)
{
    *out = (struct endpoint){0};
    int rc = name_dir(err, &out->state_dir, state_dir);
    if (!rc && !fs_exists(out->state_dir))
        rc = fs_mkdirs(err, out->state_dir, 0700);
    if (!rc)
        rc = endpoint_check(err, out);
    if (!rc)
        rc = name_sockets(err, out);
    if (rc)
        endpoint_free(out);
    return rc;
}

void
endpoint_free(struct endpoint *e)
{
    if (e->fd > 0)
        close(e->fd);
    free(e->state_dir);
    free(e->control);
    free(e->worker);
    *e = (struct endpoint){0};
}

int
endpoint_check(struct moe_err *err, const struct endpoint *e)
{
    struct stat st;
    if (lstat(e->state_dir, &st) != 0)
        return moe_fail(err, errno == ENOENT ? MOE_ENODAEMON : MOE_EDENIED,
                        "%s: %s", e->state_dir, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return moe_fail(err, MOE_EDENIED,
                        "%s: not a directory (symbolic "
                        "links are refused)",
                        e->state_dir);
    if (st.st_uid != geteuid())
        return moe_fail(err, MOE_EDENIED, "%s: belongs to user %lu, not %lu",
                        e->state_dir, (unsigned long)st.st_uid,
                        (unsigned long)geteuid());
    if (st.st_mode & 077)
        return moe_fail(err, MOE_EDENIED, "%s: mode %04o, want 0700",
                        e->state_dir, (unsigned)(st.st_mode & 07777));
    return MOE_OK;
}

static int
open_lock(const char *dir, const char *name, int flags)
{
    char *path = str_path(dir, name);
    int fd = path ? open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    free(path);
    return fd;
}

/* Who holds the lock of fd; 0: nobody. */
static pid_t
holder(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
        return 0;
    return lock.l_pid;
}

int
endpoint_lock(struct moe_err *err, int *out, const char *dir, const char *name)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open_lock(dir, name, O_RDWR | O_CREAT);
    if (fd < 0)
        return moe_fail(err, MOE_EIO, "%s/%s: %s", dir, name, strerror(errno));
    if (fcntl(fd, F_SETLK, &lock) != 0) {
        int cause = errno;
        pid_t pid = holder(fd);
        close(fd);
        if (cause == EACCES || cause == EAGAIN)
            return moe_fail(err, MOE_ESTATE, "%s: in use by process %ld", dir,
                            (long)pid);
        return moe_fail(err, MOE_EIO, "%s/%s: cannot lock: %s", dir, name,
                        strerror(cause));
    }
    *out = fd;
    return MOE_OK;
}

pid_t
endpoint_holder(const char *dir, const char *name)
{
    int fd = open_lock(dir, name, O_RDWR);
    if (fd < 0)
        return 0;
    pid_t pid = holder(fd);
    close(fd);
    return pid;
}

pid_t
endpoint_daemon(const struct endpoint *e)
{
    return endpoint_holder(e->state_dir, "lock");
}
