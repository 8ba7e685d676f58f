/*
 * settings.h - the settings of polymoed: one table, from which the file, the
 * environment, --set, --dump-config and the check of polymoed.conf(5) are
 * made.
 */
#ifndef DAEMON_SETTINGS_H
#define DAEMON_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <polymoe/error.h>

#include "base/str.h"

struct settings {
    char *state_dir; // NULL: the default of proto/endpoint.h
    int64_t log_level;
    int64_t clients, jobs_open, streams; // at one time
    int64_t min_free_mib;
    int64_t cancel_grace_s, shutdown_grace_s, slow_reader_s;
    int64_t request_days;
};

enum setting_kind { SETTING_PATH, SETTING_LEVEL, SETTING_INT };

struct setting_row {
    const char *section, *key;
    enum setting_kind kind;
    size_t offset;
    int64_t value, min, max; // default and range
    const char *unit;
    bool live; // SIGHUP changes it
    const char *help;
};

/* Ends with a row whose key is NULL. */
extern const struct setting_row setting_rows[];

/* "Default 8, from 1 to 3600 seconds." */
void setting_range(char *out, size_t cap, const struct setting_row *row);

int settings_init(struct settings *c);
void settings_free(struct settings *c);

/* MOE_EINVAL for an unknown key or a value out of range. */
int settings_set(struct moe_err *err, struct settings *c, const char *key,
                 const char *value);

/* Lines of "key = value", "[section]" and "# comment".  MOE_EFORMAT naming
 * PATH:LINE; MOE_EINPUT when it cannot be read. */
int settings_read(struct moe_err *err, struct settings *c, const char *path);

/* $POLYMOE_STATE_DIR and $POLYMOED_KEY for every other key. */
int settings_environment(struct moe_err *err, struct settings *c);

/* A file that settings_read() takes, with every key. */
void settings_dump(struct str *out, const struct settings *c);

/* The file that is read without --config, for the caller to free; NULL when
 * there is none. */
char *settings_find(void);

#endif
