/*
 * fs.h - files: map, read whole, write by rename, make directories.
 *
 * A file that the caller names as input fails with MOE_EINPUT, one that we
 * write fails with MOE_EIO; the sentence holds the path and the system's
 * words.
 */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include <polymoe/error.h>

/* A file mapped read-only.  data is NULL for an empty file. */
struct fs_map {
    const unsigned char *data;
    size_t size;
};

int fs_map_open(struct moe_err *err, struct fs_map *map, const char *path);
void fs_map_close(struct fs_map *map);

/* Its pages need not stay in memory; who reads them gets them again. */
void fs_map_forget(const struct fs_map *map);

/* The whole file, zero-terminated, for the caller to free.  A file of more
 * than `limit` bytes is refused (MOE_EFORMAT). */
int fs_read(struct moe_err *err, char **out, size_t *n, const char *path,
            size_t limit);

/*
 * A file that appears under its name only when it is complete: written to
 * PATH.tmp.PID beside it, flushed, synced, renamed, and the directory synced.
 * Zero it to start.  fs_abort() removes what is there and may follow anything.
 */
struct fs_writer {
    FILE *f;
    char *path;
    char *temp;
};

int fs_create(struct moe_err *err, struct fs_writer *w, const char *path);
int fs_put(struct moe_err *err, struct fs_writer *w, const void *p, size_t n);
int fs_commit(struct moe_err *err, struct fs_writer *w);
void fs_abort(struct fs_writer *w);

/* fs_create, fs_put and fs_commit in one. */
int fs_write(struct moe_err *err, const char *path, const void *p, size_t n);

/* Every missing directory of path, with this mode. */
int fs_mkdirs(struct moe_err *err, const char *path, mode_t mode);

bool fs_exists(const char *path);
bool fs_is_dir(const char *path);

/* A symbolic link at path, in place of a file or link that is there. */
int fs_link(struct moe_err *err, const char *path, const char *target);

/* Make a rename in this directory durable. */
int fs_sync_dir(struct moe_err *err, const char *dir);

/*
 * The names in a directory that end in `suffix` ("" for all), sorted by byte,
 * without "." and "..".  Freed by fs_list_free().
 */
int fs_list(struct moe_err *err, char ***out, size_t *n, const char *dir,
            const char *suffix);
void fs_list_free(char **names, size_t n);

/* Remove what a writer that was killed left in a directory, PATH.tmp.PID; a
 * directory that is not there has none.  Only for who knows that no other
 * writer is at work there. */
int fs_sweep(struct moe_err *err, const char *dir);

/* Is there anything in a directory but what fs_sweep() removes? */
int fs_is_bare(struct moe_err *err, bool *bare, const char *dir);

/* Remove a directory of files and all that is in it. */
int fs_remove_dir(struct moe_err *err, const char *dir);

/* The absolute path of a file that exists; the caller frees it. */
int fs_realpath(struct moe_err *err, char **out, const char *path);

/* The directory part of a path, "." when there is none; the caller frees. */
char *fs_dirname(const char *path);

#endif
