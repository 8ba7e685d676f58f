/*
 * verb_cancel.c - polymoe cancel: stop jobs.
 */
#include "config.h"

#include "client/client.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/options.h"
#include "client/queue.h"

struct cancel_options {
    bool json;
};

static const struct option_row rows[] = {
    {'j', "json", NULL, "print JSON", OPTION_FLAG,
     offsetof(struct cancel_options, json), 0, 0},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};

/* One answer a job; the status of the first that was refused. */
static int
report(const json_t *result, bool json)
{
    const json_t *list = json_object_get(result, "results"), *one;
    int status = 0;
    size_t i;
    json_array_foreach(list, i, one)
    {
        const char *error = queue_text(one, "error");
        if (!*error) {
            if (!json)
                printf("job %lld: %s\n", (long long)queue_int(one, "job"),
                       queue_text(one, "state"));
            continue;
        }
        struct moe_err err = {0};
        moe_fail(&err, proto_error_code(proto_error_find(error)),
                 "job %lld: %s", (long long)queue_int(one, "job"),
                 *queue_text(one, "message") ? queue_text(one, "message")
                                             : error);
        int failed = verb_fail("cancel", &err);
        status = status ? status : failed;
    }
    return status;
}

static int
cancel(int n, char **ids, const struct cancel_options *opt)
{
    struct moe_err err = {0};
    struct conn *conn = NULL;
    struct msg_writer w;
    json_t *result = NULL;
    int64_t id;
    for (int i = 0; i < n; i++)
        if (queue_job_id(&err, ids[i], &id))
            return verb_fail("cancel", &err);
    if (conn_open(&err, &conn))
        return verb_fail("cancel", &err);
    conn_request(conn, &w, "cancel", true);
    msg_open_list(&w, "jobs");
    for (int i = 0; i < n; i++) {
        queue_job_id(&err, ids[i], &id);
        msg_put_int(&w, NULL, id);
    }
    msg_close(&w);
    int rc = conn_call(&err, conn, &w, &result);
    int status = rc ? verb_fail("cancel", &err) : report(result, opt->json);
    if (!rc && opt->json)
        queue_put_json(json_incref(result));
    json_decref(result);
    conn_close(&conn);
    return status;
}

int
verb_cancel(int argc, char **argv)
{
    static const struct option_set set = {
        "polymoe cancel", "[OPTION...] JOB...",
        "Stop jobs: queued ones at once, running ones at their next safe "
        "point.",
        rows, NULL};
    struct cancel_options opt = {0};
    int first, rc = options_parse(&set, &opt, argc, argv, &first);
    if (rc != OPTIONS_GO_ON)
        return rc;
    if (argc == first)
        return options_usage_error(&set, "a JOB is wanted");
    return cancel(argc - first, argv + first, &opt);
}
