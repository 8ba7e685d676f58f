/*
 * log.c - the daemon's own log: lines on standard error.
 */
#include "config.h"

#include "daemon/daemon.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"

static enum moe_log_level wanted = MOE_LOG_INFO;

void
daemon_log_level(int64_t level)
{
    wanted = (enum moe_log_level)level;
}

void
daemon_log(enum moe_log_level level, const char *fmt, ...)
{
    char iso[CLOCK_ISO_BYTES], line[MOE_ERR_TEXT];
    struct moe_err clean;
    va_list ap;
    if (level > wanted)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    moe_fail(&clean, MOE_OK, "%s", line); // control bytes become '?'
    clock_iso(iso, sizeof iso, clock_wall_ms());
    fprintf(stderr, "%s polymoed: %s\n", iso, clean.text);
}
