/*
 * faultdisk.h - a disk under SQLite that fails when it is told to.
 */
#ifndef TESTS_FAULTDISK_H
#define TESTS_FAULTDISK_H

/* What fails: a write with an error, a write for want of room, a flush; the
 * flush takes what was not flushed before it with it. */
enum fault { FAULT_NONE, FAULT_WRITE, FAULT_ROOM, FAULT_FLUSH };

/* Every database that is opened from now on lies on it. */
void faultdisk_install(void);

/* After so many more that succeed, all of this kind fail. */
void faultdisk_arm(enum fault what, int after);

#endif
