/*
 * settings.c - the table of settings, and how one is set and shown.
 */
#include "config.h"

#include "daemon/settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "proto/proto.h"

#define AT(field) offsetof(struct settings, field)

/* clang-format off */
const struct setting_row setting_rows[] = {
    {"daemon", "state_dir", SETTING_PATH, AT(state_dir), 0, 0, 0, "", false,
     "where queue, logs and sockets are; clients do not read this file"},
    {"daemon", "log_level", SETTING_LEVEL, AT(log_level), 2, 0, 3, "", true,
     "error, warn, info or debug"},
    {"limits", "clients", SETTING_INT, AT(clients), PROTO_PEERS, 1, PROTO_PEERS,
     "connections", true, "clients that are known at one time"},
    {"limits", "jobs_open", SETTING_INT, AT(jobs_open), PROTO_JOBS_OPEN, 1,
     PROTO_JOBS_OPEN, "jobs", true, "jobs that have not ended"},
    {"limits", "streams", SETTING_INT, AT(streams), PROTO_STREAMS, 1,
     PROTO_STREAMS, "streams", true, "subscriptions of one client"},
    {"limits", "min_free", SETTING_INT, AT(min_free_mib), 16, 0, 1048576, "MiB",
     true, "with less room on the disk no job is taken or started"},
    {"time", "cancel_grace", SETTING_INT, AT(cancel_grace_s), 8, 1, 3600,
     "seconds", true, "from asking a worker to stop until it is killed"},
    {"time", "shutdown_grace", SETTING_INT, AT(shutdown_grace_s), 30, 1, 86400,
     "seconds", true, "the same when the daemon ends"},
    {"time", "slow_reader", SETTING_INT, AT(slow_reader_s), 15, 1, 3600,
     "seconds", true, "until a subscriber that does not read is dropped"},
    {"time", "request_days", SETTING_INT, AT(request_days), 7, 1, 3650, "days",
     true, "how long the answer to a request_id is kept"},
    {NULL, NULL, SETTING_INT, 0, 0, 0, 0, NULL, false, NULL}};
/* clang-format on */

static const char *const levels[] = {"error", "warn", "info", "debug"};
enum { LEVELS = sizeof levels / sizeof *levels };

static int64_t *
number(const struct settings *c, const struct setting_row *row)
{
    return (int64_t *)((char *)(uintptr_t)c + row->offset);
}

void
setting_range(char *out, size_t cap, const struct setting_row *row)
{
    if (row->kind == SETTING_INT)
        snprintf(out, cap, "Default %lld, from %lld to %lld %s.",
                 (long long)row->value, (long long)row->min,
                 (long long)row->max, row->unit);
    else if (row->kind == SETTING_LEVEL)
        snprintf(out, cap, "Default %s.", levels[row->value]);
    else
        snprintf(out, cap, "Default as in polymoed(8).");
}

int
settings_init(struct settings *c)
{
    *c = (struct settings){0};
    for (const struct setting_row *r = setting_rows; r->key; r++)
        if (r->kind != SETTING_PATH)
            *number(c, r) = r->value;
    return MOE_OK;
}

void
settings_free(struct settings *c)
{
    free(c->state_dir);
    c->state_dir = NULL;
}

static int
set_path(struct moe_err *err, struct settings *c, const char *key,
         const char *value)
{
    if (value[0] != '/')
        return moe_fail(err, MOE_EINVAL, "%s: '%s', want an absolute path", key,
                        value);
    char *copy = str_copy(value);
    if (!copy)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", key);
    free(c->state_dir);
    c->state_dir = copy;
    return MOE_OK;
}

static int
set_number(struct moe_err *err, struct settings *c,
           const struct setting_row *row, const char *value)
{
    char *end;
    errno = 0;
    long long x = strtoll(value, &end, 10);
    if (errno || end == value || *end || x < row->min || x > row->max)
        return moe_fail(err, MOE_EINVAL,
                        "%s: '%s', want a number from %lld to %lld (%s)",
                        row->key, value, (long long)row->min,
                        (long long)row->max, row->unit);
    *number(c, row) = x;
    return MOE_OK;
}

static int
set_level(struct moe_err *err, struct settings *c,
          const struct setting_row *row, const char *value)
{
    for (int i = 0; i < LEVELS; i++)
        if (strcmp(levels[i], value) == 0) {
            *number(c, row) = i;
            return MOE_OK;
        }
    return moe_fail(err, MOE_EINVAL, "%s: '%s', want %s", row->key, value,
                    row->help);
}

int
settings_set(struct moe_err *err, struct settings *c, const char *key,
             const char *value)
{
    const struct setting_row *row = setting_rows;
    while (row->key && strcmp(row->key, key) != 0)
        row++;
    if (!row->key)
        return moe_fail(err, MOE_EINVAL, "%s: unknown key", key);
    return row->kind == SETTING_PATH    ? set_path(err, c, key, value)
           : row->kind == SETTING_LEVEL ? set_level(err, c, row, value)
                                        : set_number(err, c, row, value);
}

int
settings_environment(struct moe_err *err, struct settings *c)
{
    int rc = MOE_OK;
    for (const struct setting_row *r = setting_rows; !rc && r->key; r++) {
        char name[64];
        /* The client's variable too, which may be relative and is read where
         * the client's is. */
        if (r->kind == SETTING_PATH) {
            if (getenv("POLYMOE_STATE_DIR"))
                settings_free(c);
            continue;
        }
        snprintf(name, sizeof name, "POLYMOED_%s", r->key);
        for (char *p = name; *p; p++)
            *p = (char)toupper((unsigned char)*p);
        const char *value = getenv(name);
        if (value && (rc = settings_set(err, c, r->key, value)) && err) {
            struct moe_err cause = *err;
            moe_fail(err, rc, "%s: %s", name, cause.text);
        }
    }
    return rc;
}

static void
dump_row(struct str *out, const struct settings *c, const struct setting_row *r)
{
    char range[128];
    setting_range(range, sizeof range, r);
    str_printf(out, "# %s. %s\n", r->help, range);
    if (r->kind == SETTING_INT)
        str_printf(out, "%s = %lld\n", r->key, (long long)*number(c, r));
    else if (r->kind == SETTING_LEVEL)
        str_printf(out, "%s = %s\n", r->key, levels[*number(c, r)]);
    else
        str_printf(out, "%s%s = %s\n", c->state_dir ? "" : "#", r->key,
                   c->state_dir ? c->state_dir : "/var/lib/polymoe");
}

void
settings_dump(struct str *out, const struct settings *c)
{
    const char *section = "";
    for (const struct setting_row *r = setting_rows; r->key; r++) {
        if (strcmp(section, r->section) != 0)
            str_printf(out, "%s[%s]\n", *section ? "\n" : "", r->section);
        section = r->section;
        dump_row(out, c, r);
    }
}
