/*
 * endpoint.h - where the daemon's state and sockets are, for the daemon, the
 * worker and the client alike.
 *
 * The state directory is --state-dir, else $POLYMOE_STATE_DIR, else
 * $XDG_STATE_HOME/polymoe, else ~/.local/state/polymoe, where ~ is $HOME or
 * what the password database says.  The sockets lie in it, so that who names
 * the same directory meets at the same socket, whatever else the environment
 * holds.  It belongs to the user, has mode 0700 and is no symbolic link.
 *
 * A socket's address holds about 100 bytes.  A longer directory is reached
 * through /proc/self/fd where the system has that, and refused elsewhere.
 */
#ifndef PROTO_ENDPOINT_H
#define PROTO_ENDPOINT_H

#include <stdbool.h>
#include <sys/types.h>

#include <polymoe/error.h>

/* Zero it to start. */
struct endpoint {
    char *state_dir; // absolute
    char *control;   // "ipc://..." that clients connect to
    char *worker;    // "ipc://..." that workers connect to
    int fd;          // of the directory while addresses need it, else 0
};

/* Name the directory and the addresses; state_dir may be NULL.  Creates
 * nothing.  MOE_EINVAL for a name that cannot be used. */
int endpoint_find(struct moe_err *err, struct endpoint *out,
                  const char *state_dir);

/* The same for the daemon: makes the directory (mode 0700) first. */
int endpoint_make(struct moe_err *err, struct endpoint *out,
                  const char *state_dir);
void endpoint_free(struct endpoint *e);

/* MOE_EDENIED unless the directory is ours, 0700 and no symbolic link;
 * MOE_ENODAEMON when there is none. */
int endpoint_check(struct moe_err *err, const struct endpoint *e);

/* Process id of the daemon that holds the directory, 0 when there is none. */
pid_t endpoint_daemon(const struct endpoint *e);

/* DIR/NAME's write lock: take it and keep it in *fd until closed.  MOE_ESTATE
 * naming the holder's process id when another process has it; MOE_EIO. */
int endpoint_lock(struct moe_err *err, int *fd, const char *dir,
                  const char *name);

/* Process id of who holds that lock, 0 when nobody does. */
pid_t endpoint_holder(const char *dir, const char *name);

#endif
