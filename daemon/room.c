/*
 * room.c - the disk that the state lies on: jobs are taken and started only
 * while there is room for what they will write.
 *
 * What lacks room is not lost: a change that could not be stored is tried
 * again, and everything goes on when there is room, without a restart.
 */
#include "config.h"

#include "daemon/daemon.h"

#include "base/clock.h"
#include "daemon/system.h"

/* Seconds between two lines about it. */
static const double QUIET_S = 60;

static void
tell(struct daemon *d, int64_t free_bytes)
{
    if (d->room_told > 0 && clock_seconds() < d->room_told + QUIET_S)
        return;
    d->room_told = clock_seconds();
    d->room_said = d->no_room;
    if (d->no_room)
        daemon_log(MOE_LOG_WARN,
                   "%s: %lld KiB free, want %lld; no job is taken or started "
                   "until there is room",
                   d->where.state_dir, (long long)(free_bytes >> 10),
                   (long long)(d->conf.min_free_mib << 10));
    else
        daemon_log(MOE_LOG_INFO, "%s: there is room again, going on",
                   d->where.state_dir);
}

bool
room_check(struct daemon *d)
{
    int64_t found = system_free_bytes(d->where.state_dir);
    bool none = found < d->conf.min_free_mib << 20 || d->store.full;
    d->store.full = false;
    d->room_at = clock_seconds() + 1;
    d->schedule |= none != d->no_room;
    d->no_room = none;
    if (d->no_room != d->room_said)
        tell(d, found);
    return !none;
}

void
room_tick(struct daemon *d)
{
    if (d->store.full || clock_seconds() >= d->room_at)
        room_check(d);
}
