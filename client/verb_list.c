/*
 * verb_list.c - polymoe list: the jobs of the queue.
 */
#include "config.h"

#include "client/client.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "base/str.h"
#include "client/queue.h"
#include "client/table.h"

struct list_options {
    const char *state, *columns;
    int64_t limit;
    bool json;
};

static const struct option_row rows[] = {
    {'s', "state", "STATE", "only jobs in this state", OPTION_STRING,
     offsetof(struct list_options, state), 0, 0},
    {'n', "limit", "N", "at most so many jobs (50)", OPTION_INT,
     offsetof(struct list_options, limit), 1, PROTO_LIST},
    {'c', "columns", "NAME,...",
     "fields to show (id,name,kind,state,progress,reason)", OPTION_STRING,
     offsetof(struct list_options, columns), 0, 0},
    {'j', "json", NULL, "print JSON", OPTION_FLAG,
     offsetof(struct list_options, json), 0, 0},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};

static void
add_row(struct table *t, const char *columns, const json_t *job)
{
    for (const char *p = columns; *p;) {
        size_t n = strcspn(p, ",");
        char *key = str_format("%.*s", (int)n, p);
        if (!job)
            table_column(t, key ? key : "",
                         strcmp(key ? key : "", "id") == 0 ? TABLE_RIGHT
                                                           : TABLE_CUT);
        else {
            char *text = queue_field(job, key ? key : "");
            table_cell(t, "%s", text ? text : "");
            free(text);
        }
        free(key);
        p += n + (p[n] == ',');
    }
}

/* Every field is null where there is nothing to say, but for this one. */
static bool
is_field(const json_t *job, const char *key)
{
    return json_object_get(job, key) || strcmp(key, "progress") == 0;
}

static int
check_columns(struct moe_err *err, const char *columns, const json_t *jobs)
{
    const json_t *job = json_array_get(jobs, 0);
    int rc = MOE_OK;
    for (const char *p = columns; !rc && job && *p;) {
        size_t n = strcspn(p, ",");
        char *key = str_format("%.*s", (int)n, p);
        if (!key || !is_field(job, key))
            rc = moe_fail(err, MOE_EINVAL,
                          "--columns: '%s' is no field of a job",
                          key ? key : "");
        free(key);
        p += n + (p[n] == ',');
    }
    return rc;
}

static void
print_jobs(const struct list_options *opt, const json_t *result)
{
    const json_t *jobs = json_object_get(result, "jobs"), *job;
    struct table t = {0};
    size_t i;
    add_row(&t, opt->columns, NULL);
    json_array_foreach(jobs, i, job) add_row(&t, opt->columns, job);
    table_print(&t, stdout);
    table_free(&t);
    if (json_is_true(json_object_get(result, "more")))
        fprintf(stderr, "there are more; --limit=%lld shows so many\n",
                (long long)opt->limit);
}

static int
list(const struct list_options *opt)
{
    struct moe_err err = {0};
    struct conn *conn;
    json_t *result = NULL;
    int rc = conn_open(&err, &conn);
    if (!rc) {
        struct msg_writer w;
        conn_request(conn, &w, "list", false);
        if (opt->state)
            msg_put_str(&w, "state", opt->state);
        msg_put_int(&w, "limit", opt->limit);
        rc = conn_call(&err, conn, &w, &result);
    }
    if (!rc && !opt->json)
        rc = check_columns(&err, opt->columns, json_object_get(result, "jobs"));
    if (!rc && opt->json)
        queue_put_json(json_incref(result));
    else if (!rc)
        print_jobs(opt, result);
    json_decref(result);
    conn_close(&conn);
    return rc ? verb_fail("list", &err) : 0;
}

int
verb_list(int argc, char **argv)
{
    static const struct option_set set = {
        "polymoe list", "[OPTION...]",
        "List the jobs of the queue, the newest first.", rows, NULL};
    struct list_options opt = {.columns = "id,name,kind,state,progress,reason",
                               .limit = 50};
    int first, rc = options_parse(&set, &opt, argc, argv, &first);
    if (rc != OPTIONS_GO_ON)
        return rc;
    if (argc != first)
        return options_usage_error(&set, "no argument is wanted");
    if (opt.state && proto_state_find(opt.state) == PROTO_STATE_COUNT)
        return options_usage_error(&set, "--state: '%s' is no state of a job",
                                   opt.state);
    return list(&opt);
}
