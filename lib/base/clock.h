/*
 * clock.h - monotonic time for durations, wall time for records.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

uint64_t clock_ns(void);     // monotonic nanoseconds
double clock_seconds(void);  // monotonic seconds
int64_t clock_wall_ms(void); // milliseconds since 1970, UTC

/* "2026-01-31T12:00:00.123Z"; out holds at least 32 bytes. */
enum { CLOCK_ISO_BYTES = 32 };
void clock_iso(char *out, size_t cap, int64_t wall_ms);

#endif
