/*
 * verb_wait.c - polymoe wait: until jobs have ended, silently.
 */
#include "config.h"

#include "client/client.h"

#include "base/options.h"
#include "client/interrupt.h"
#include "client/queue.h"

static const struct option_row rows[] = {
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};

int
verb_wait(int argc, char **argv)
{
    static const struct option_set set = {
        "polymoe wait", "JOB...",
        "Wait until jobs have ended, and end as the first that failed.", rows,
        NULL};
    struct moe_err err = {0};
    struct conn *conn;
    int status = 0, first, rc = options_parse(&set, NULL, argc, argv, &first);
    if (rc != OPTIONS_GO_ON)
        return rc;
    if (argc == first)
        return options_usage_error(&set, "a JOB is wanted");
    int64_t id;
    for (int i = first; i < argc; i++)
        if (queue_job_id(&err, argv[i], &id))
            return verb_fail("wait", &err);
    if (conn_open(&err, &conn))
        return verb_fail("wait", &err);
    for (int i = first; i < argc; i++) {
        queue_job_id(&err, argv[i], &id);
        int end = queue_watch_verb("wait", conn, id, WATCH_SILENT);
        status = status ? status : end;
        if (end == moe_exit_status(MOE_ECANCEL) && interrupt_seen())
            break;
    }
    conn_close(&conn);
    return status;
}
