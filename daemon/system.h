/*
 * system.h - what the system alone knows: a process's identity, the kind of a
 * file system and the room on it.
 *
 * Calls that only one system has stand in system.c, each beside what is done
 * without it.
 */
#ifndef DAEMON_SYSTEM_H
#define DAEMON_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { SYSTEM_IDENTITY = 80 };

/*
 * "BOOT/START": which boot this is and when in it the process began, so that
 * a number that was given to another process is told apart.  START is empty
 * when there is no such process.  Both are empty where the system does not
 * say.
 */
void system_identity(char out[SYSTEM_IDENTITY], pid_t pid);

/* Does the directory lie on a file system over a network?  Also true where
 * the system does not say. */
bool system_is_network(const char *dir);

/* Bytes that this user may still write there; INT64_MAX when unknown. */
int64_t system_free_bytes(const char *dir);

#endif
