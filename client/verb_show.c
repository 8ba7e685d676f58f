/*
 * verb_show.c - polymoe show: everything about one job.
 */
#include "config.h"

#include "client/client.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "client/queue.h"
#include "client/text.h"

struct show_options {
    bool json;
};

static const struct option_row rows[] = {
    {'j', "json", NULL, "print JSON", OPTION_FLAG,
     offsetof(struct show_options, json), 0, 0},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};

/* "key   value" for every field that has one. */
static void
print_fields(const json_t *map, const char *indent)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)map, key, value)
    {
        char *text = queue_field(map, key);
        char *clean = text ? text_clean(text) : NULL;
        (void)value;
        if (clean && *clean)
            printf("%s%-14s %s\n", indent, key, clean);
        free(clean);
        free(text);
    }
}

static int
show(int64_t id, const struct show_options *opt)
{
    struct moe_err err = {0};
    struct conn *conn;
    json_t *result = NULL;
    int rc = conn_open(&err, &conn);
    if (!rc)
        rc = queue_ask(&err, conn, "show", id, &result);
    if (!rc && opt->json)
        queue_put_json(json_incref(result));
    else if (!rc) {
        print_fields(json_object_get(result, "job"), "");
        fputs("spec\n", stdout);
        print_fields(json_object_get(result, "spec"), "  ");
    }
    json_decref(result);
    conn_close(&conn);
    return rc ? verb_fail("show", &err) : 0;
}

int
verb_show(int argc, char **argv)
{
    static const struct option_set set = {
        "polymoe show", "[OPTION...] JOB",
        "Show everything about one job, and why it is where it is.", rows,
        NULL};
    struct show_options opt = {0};
    int64_t id;
    int rc = queue_one_job(&set, &opt, argc, argv, &id);
    return rc == OPTIONS_GO_ON ? show(id, &opt) : rc;
}
