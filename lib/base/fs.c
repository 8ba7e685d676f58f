/*
 * fs.c - files: map, read whole, write by rename, make directories.
 */
#include "config.h"

#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

static int
fail_errno(struct moe_err *err, int code, const char *path)
{
    return moe_fail(err, code, "%s: %s", path, strerror(errno));
}

/* Open a regular file for reading and tell its size. */
static int
open_input(struct moe_err *err, int *fd, size_t *size, const char *path)
{
    struct stat st;
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return fail_errno(err, MOE_EINPUT, path);
    int rc = MOE_OK;
    if (fstat(*fd, &st) < 0)
        rc = fail_errno(err, MOE_EINPUT, path);
    else if (!S_ISREG(st.st_mode))
        rc = moe_fail(err, MOE_EINPUT, "%s: not a regular file", path);
    else if (st.st_size < 0 || (uintmax_t)st.st_size > SIZE_MAX)
        rc = moe_fail(err, MOE_EINPUT, "%s: too large to map", path);
    if (rc) {
        close(*fd);
        *fd = -1;
        return rc;
    }
    *size = (size_t)st.st_size;
    return MOE_OK;
}

int
fs_map_open(struct moe_err *err, struct fs_map *map, const char *path)
{
    int fd;
    *map = (struct fs_map){0};
    int rc = open_input(err, &fd, &map->size, path);
    if (rc)
        return rc;
    if (map->size) {
        void *p = mmap(NULL, map->size, PROT_READ, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED)
            rc = fail_errno(err, MOE_EINPUT, path);
        else
            map->data = p;
    }
    close(fd);
    if (rc)
        map->size = 0;
    return rc;
}

void
fs_map_close(struct fs_map *map)
{
    if (map->data)
        munmap((void *)(uintptr_t)map->data, map->size);
    *map = (struct fs_map){0};
}

void
fs_map_forget(const struct fs_map *map)
{
#ifdef MADV_DONTNEED
    if (map->data)
        madvise((void *)(uintptr_t)map->data, map->size, MADV_DONTNEED);
#else
    (void)map;
#endif
}

int
fs_read(struct moe_err *err, char **out, size_t *n, const char *path,
        size_t limit)
{
    int fd;
    size_t size, done = 0;
    *out = NULL;
    *n = 0;
    int rc = open_input(err, &fd, &size, path);
    if (rc)
        return rc;
    char *p = NULL;
    if (size > limit)
        rc = moe_fail(err, MOE_EFORMAT, "%s: %zu bytes, at most %zu allowed",
                      path, size, limit);
    else if (!(p = malloc(size + 1)))
        rc = moe_fail(err, MOE_ENOMEM, "%s: no memory for %zu bytes", path,
                      size);
    while (!rc && done < size) {
        ssize_t got = read(fd, p + done, size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            rc = fail_errno(err, MOE_EINPUT, path);
        if (got <= 0)
            break;
        done += (size_t)got;
    }
    close(fd);
    if (rc) {
        free(p);
        return rc;
    }
    p[done] = '\0';
    *out = p;
    *n = done;
    return MOE_OK;
}

int
fs_create(struct moe_err *err, struct fs_writer *w, const char *path)
{
    *w = (struct fs_writer){0};
    w->path = str_copy(path);
    w->temp = str_format("%s.tmp.%ld", path, (long)getpid());
    if (!w->path || !w->temp) {
        fs_abort(w);
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    }
    int fd = open(w->temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd >= 0 && !(w->f = fdopen(fd, "wb")))
        close(fd);
    if (!w->f) {
        int rc = fail_errno(err, MOE_EIO, w->temp);
        fs_abort(w);
        return rc;
    }
    return MOE_OK;
}

int
fs_put(struct moe_err *err, struct fs_writer *w, const void *p, size_t n)
{
    if (n && fwrite(p, 1, n, w->f) != n)
        return fail_errno(err, MOE_EIO, w->temp);
    return MOE_OK;
}

int
fs_sync_dir(struct moe_err *err, const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(err, MOE_EIO, dir);
    /* Some file systems cannot sync a directory; that is not our failure. */
    int rc = fsync(fd) < 0 && errno != EINVAL && errno != ENOTSUP
                 ? fail_errno(err, MOE_EIO, dir)
                 : MOE_OK;
    close(fd);
    return rc;
}

int
fs_commit(struct moe_err *err, struct fs_writer *w)
{
    int rc = MOE_OK;
    if (fflush(w->f) != 0 || fsync(fileno(w->f)) < 0)
        rc = fail_errno(err, MOE_EIO, w->temp);
    if (fclose(w->f) != 0 && !rc)
        rc = fail_errno(err, MOE_EIO, w->temp);
    w->f = NULL;
    if (!rc && rename(w->temp, w->path) < 0)
        rc = fail_errno(err, MOE_EIO, w->path);
    if (!rc) {
        char *dir = fs_dirname(w->path);
        rc = dir ? fs_sync_dir(err, dir)
                 : moe_fail(err, MOE_ENOMEM, "%s: out of memory", w->path);
        free(dir);
        free(w->temp);
        w->temp = NULL;
    }
    fs_abort(w);
    return rc;
}

void
fs_abort(struct fs_writer *w)
{
    if (w->f)
        fclose(w->f);
    if (w->temp)
        unlink(w->temp);
    free(w->temp);
    free(w->path);
    *w = (struct fs_writer){0};
}

int
fs_write(struct moe_err *err, const char *path, const void *p, size_t n)
{
    struct fs_writer w;
    int rc = fs_create(err, &w, path);
    if (!rc)
        rc = fs_put(err, &w, p, n);
    if (!rc)
        return fs_commit(err, &w);
    fs_abort(&w);
    return rc;
}

int
fs_mkdirs(struct moe_err *err, const char *path, mode_t mode)
{
    char *p = str_copy(path);
    if (!p)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    int rc = MOE_OK;
    for (char *s = p + 1; !rc && *p; s++) {
        if (*s && *s != '/')
            continue;
        char keep = *s;
        *s = '\0';
        if (mkdir(p, mode) < 0 && errno != EEXIST)
            rc = fail_errno(err, MOE_EIO, p);
        *s = keep;
        if (!keep)
            break;
    }
    if (!rc && !fs_is_dir(path))
        rc = moe_fail(err, MOE_EIO, "%s: not a directory", path);
    free(p);
    return rc;
}

bool
fs_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool
fs_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
wanted(const char *name, const char *suffix)
{
    size_t n = strlen(name), m = strlen(suffix);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    return n >= m && strcmp(name + n - m, suffix) == 0;
}

int
fs_list(struct moe_err *err, char ***out, size_t *n, const char *dir,
        const char *suffix)
{
    char **names = NULL;
    size_t count = 0, cap = 0;
    *out = NULL;
    *n = 0;
    DIR *d = opendir(dir);
    if (!d)
        return fail_errno(err, MOE_EINPUT, dir);
    int rc = MOE_OK;
    for (struct dirent *e; !rc && (e = readdir(d));) {
        if (!wanted(e->d_name, suffix))
            continue;
        char **grown = mem_grow(names, &cap, count + 1, sizeof *names);
        char *copy = grown ? str_copy(e->d_name) : NULL;
        if (grown)
            names = grown;
        if (!copy)
            rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
        else
            names[count++] = copy;
    }
    closedir(d);
    if (rc) {
        fs_list_free(names, count);
        return rc;
    }
    if (count)
        qsort(names, count, sizeof *names, compare_names);
    *out = names;
    *n = count;
    return MOE_OK;
}

void
fs_list_free(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

/* "model.safetensors.tmp.1234" */
static bool
is_temporary(const char *name)
{
    const char *tail = strstr(name, ".tmp.");
    return tail && tail[5] && tail[5 + strspn(tail + 5, "0123456789")] == '\0';
}

/* Unlink the names in a directory, or only the temporary ones. */
static int
unlink_all(struct moe_err *err, const char *dir, bool temporary)
{
    char **names;
    size_t n;
    int rc = fs_list(err, &names, &n, dir, "");
    if (rc)
        return rc;
    for (size_t i = 0; i < n; i++) {
        if (temporary && !is_temporary(names[i]))
            continue;
        char *path = str_path(dir, names[i]);
        if (!rc && !path)
            rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
        else if (path && unlink(path) < 0 && errno != ENOENT && !rc)
            rc = fail_errno(err, MOE_EIO, path);
        free(path);
    }
    fs_list_free(names, n);
    return rc;
}

int
fs_sweep(struct moe_err *err, const char *dir)
{
    return fs_is_dir(dir) ? unlink_all(err, dir, true) : MOE_OK;
}

int
fs_is_bare(struct moe_err *err, bool *bare, const char *dir)
{
    char **names;
    size_t n;
    int rc = fs_list(err, &names, &n, dir, "");
    if (rc)
        return rc;
    *bare = true;
    for (size_t i = 0; i < n; i++)
        *bare = *bare && is_temporary(names[i]);
    fs_list_free(names, n);
    return MOE_OK;
}

int
fs_remove_dir(struct moe_err *err, const char *dir)
{
    int rc = unlink_all(err, dir, false);
    if (!rc && rmdir(dir) < 0)
        rc = fail_errno(err, MOE_EIO, dir);
    return rc;
}

int
fs_realpath(struct moe_err *err, char **out, const char *path)
{
    *out = realpath(path, NULL);
    return *out ? MOE_OK : fail_errno(err, MOE_EINPUT, path);
}

char *
fs_dirname(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return str_copy(".");
    if (slash == path)
        return str_copy("/");
    return str_format("%.*s", (int)(slash - path), path);
}
