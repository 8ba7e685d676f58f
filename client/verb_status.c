/*
 * verb_status.c - polymoe status: what the daemon does.
 */
#include "config.h"

#include "client/client.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/options.h"
#include "base/str.h"
#include "client/queue.h"
#include "client/text.h"

struct status_options {
    bool json;
};

static const struct option_row rows[] = {
    {'j', "json", NULL, "print JSON", OPTION_FLAG,
     offsetof(struct status_options, json), 0, 0},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};

static void
print_clean(const char *key, const char *text)
{
    char *clean = text_clean(text);
    printf("%-10s %s\n", key, clean ? clean : "");
    free(clean);
}

static void
print_status(const json_t *status)
{
    const json_t *devices = json_object_get(status, "devices"), *device;
    const json_t *counts = json_object_get(status, "counts");
    char up[32];
    const char *state;
    json_t *n;
    size_t i;
    str_duration(up, sizeof up, (double)queue_int(status, "uptime_s"));
    printf("%-10s polymoed %s, process %lld, up %s\n", "daemon",
           queue_text(status, "version"), (long long)queue_int(status, "pid"),
           up);
    print_clean("state", queue_text(status, "state_dir"));
    json_object_foreach((json_t *)(uintptr_t)counts, state, n)
    {
        if (json_integer_value(n))
            printf("%-10s %lld %s\n", "jobs", (long long)json_integer_value(n),
                   state);
    }
    json_array_foreach(devices, i, device)
    {
        struct str line = {0};
        str_printf(&line, "%s", queue_text(device, "name"));
        if (queue_int(device, "job"))
            str_printf(&line, ", job %lld",
                       (long long)queue_int(device, "job"));
        if (line.s)
            print_clean("device", line.s);
        str_free(&line);
    }
}

int
verb_status(int argc, char **argv)
{
    static const struct option_set set = {
        "polymoe status", "[OPTION...]",
        "Say whether the daemon answers and what it does.", rows, NULL};
    struct status_options opt = {0};
    struct moe_err err = {0};
    struct conn *conn = NULL;
    json_t *result = NULL;
    int first, rc = options_parse(&set, &opt, argc, argv, &first);
    if (rc != OPTIONS_GO_ON)
        return rc;
    if (argc != first)
        return options_usage_error(&set, "no argument is wanted");
    rc = conn_open(&err, &conn);
    if (!rc)
        rc = queue_ask(&err, conn, "status", 0, &result);
    if (!rc && opt.json)
        queue_put_json(json_incref(result));
    else if (!rc)
        print_status(result);
    json_decref(result);
    conn_close(&conn);
    return rc ? verb_fail("status", &err) : 0;
}
