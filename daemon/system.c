/*
 * system.c - process identity, file systems: Linux beside the POSIX form.
 */
#include "config.h"

#include "daemon/system.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/vfs.h>

/* A small file of /proc, without its line end; "" when there is none. */
static void
read_small(char *out, size_t cap, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, out, cap - 1);
    if (fd >= 0)
        close(fd);
    out[n < 0 ? 0 : n] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

void
system_identity(char out[SYSTEM_IDENTITY], pid_t pid)
{
    char path[64], boot[40], stat[1024];
    unsigned long long start = 0;
    read_small(boot, sizeof boot, "/proc/sys/kernel/random/boot_id");
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    read_small(stat, sizeof stat, path);
    /* The name in parentheses may hold anything; 19 fields follow its end
     * before the start in ticks. */
    const char *p = strrchr(stat, ')');
    for (int i = 0; p && i < 20; i++)
        p = strchr(p + 1, ' ');
    if (p && sscanf(p, " %llu", &start) == 1)
        snprintf(out, SYSTEM_IDENTITY, "%s/%llu", boot, start);
    else
        snprintf(out, SYSTEM_IDENTITY, "%s/", boot);
}

bool
system_is_network(const char *dir)
{
    /* NFS, CIFS, SMB 2, Coda. */
    static const unsigned long types[] = {0x6969, 0xff534d42, 0xfe534d42,
                                          0x73757245};
    struct statfs st;
    if (statfs(dir, &st) != 0)
        return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (((unsigned long)st.f_type & 0xffffffff) == types[i])
            return true;
    return false;
}

#else

void
system_identity(char out[SYSTEM_IDENTITY], pid_t pid)
{
    (void)pid;
    snprintf(out, SYSTEM_IDENTITY, "/");
}

bool
system_is_network(const char *dir)
{
    (void)dir;
    return true;
}

#endif

int64_t
system_free_bytes(const char *dir)
{
    struct statvfs st;
    if (statvfs(dir, &st) != 0)
        return INT64_MAX;
    return (int64_t)st.f_bavail * (int64_t)st.f_frsize;
}
