/*
 * fs_link.c - a symbolic link that is there whole or not at all.
 */
#include "config.h"

#include "base/fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

int
fs_link(struct moe_err *err, const char *path, const char *target)
{
    char *temp = str_format("%s.tmp.%ld", path, (long)getpid());
    char *dir = fs_dirname(path);
    int rc = temp && dir ? MOE_OK
                         : moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    if (!rc && ((unlink(temp) < 0 && errno != ENOENT) ||
                symlink(target, temp) < 0 || rename(temp, path) < 0))
        rc = moe_fail(err, MOE_EIO, "%s: %s", path, strerror(errno));
    if (!rc)
        rc = fs_sync_dir(err, dir);
    free(temp);
    free(dir);
    return rc;
}
