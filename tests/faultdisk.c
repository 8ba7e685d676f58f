/*
 * faultdisk.c - a disk under SQLite that fails when it is told to.
 *
 * The methods of the system's own VFS, with those replaced that write, in the
 * same file objects.  Beside faultdisk_arm() the file that
 * $POLYMOE_TEST_FAULT names stands for FAULT_FLUSH as long as it is there.
 */
#include "config.h"

#include "tests/faultdisk.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

enum { FILES = 16 };

/* A file that is open: how the system does it, how we do, and the size that
 * the last flush left. */
static struct disk_file {
    sqlite3_file *file;
    const sqlite3_io_methods *own;
    sqlite3_io_methods methods;
    sqlite3_int64 flushed;
} open_files[FILES];
static sqlite3_vfs disk;
static enum fault armed;
static int left;

static bool
fails(enum fault what)
{
    const char *path = getenv("POLYMOE_TEST_FAULT");
    if (what == FAULT_FLUSH && path && access(path, F_OK) == 0)
        return true;
    return what == armed && left-- <= 0;
}

static struct disk_file *
find(const sqlite3_file *f)
{
    for (int i = 0; i < FILES; i++)
        if (open_files[i].file == f)
            return &open_files[i];
    return NULL;
}

static int
disk_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    if (fails(FAULT_WRITE))
        return SQLITE_IOERR_WRITE;
    if (fails(FAULT_ROOM))
        return SQLITE_FULL;
    return find(f)->own->xWrite(f, p, n, at);
}

static int
disk_sync(sqlite3_file *f, int flags)
{
    struct disk_file *d = find(f);
    if (fails(FAULT_FLUSH)) {
        d->own->xTruncate(f, d->flushed);
        return SQLITE_IOERR_FSYNC;
    }
    int rc = d->own->xSync(f, flags);
    return rc ? rc : d->own->xFileSize(f, &d->flushed);
}

static int
disk_close(sqlite3_file *f)
{
    struct disk_file *d = find(f);
    d->file = NULL;
    return d->own->xClose(f);
}

static int
disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags,
          int *out)
{
    sqlite3_vfs *own = vfs->pAppData;
    struct disk_file *d = find(NULL);
    int rc = own->xOpen(own, name, f, flags, out);
    if (rc || !f->pMethods)
        return rc;
    if (!d)
        abort();
    d->file = f;
    d->own = f->pMethods;
    d->methods = *f->pMethods;
    d->methods.xWrite = disk_write;
    d->methods.xSync = disk_sync;
    d->methods.xClose = disk_close;
    f->pMethods = &d->methods;
    return d->own->xFileSize(f, &d->flushed);
}

void
faultdisk_install(void)
{
    sqlite3_vfs *own = sqlite3_vfs_find(NULL);
    disk = *own;
    disk.pNext = NULL;
    disk.zName = "faultdisk";
    disk.pAppData = own;
    disk.xOpen = disk_open;
    sqlite3_vfs_register(&disk, 1);
}

void
faultdisk_arm(enum fault what, int after)
{
    armed = what;
    left = after;
}
