/*
 * verb_shutdown.c - polymoe shutdown: stop the daemon.
 */
#include "config.h"

#include "client/client.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/options.h"
#include "client/queue.h"

struct shutdown_options {
    bool now;
};

static const struct option_row rows[] = {
    {'n', "now", NULL, "kill running jobs, do not wait for their safe points",
     OPTION_FLAG, offsetof(struct shutdown_options, now), 0, 0},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};

int
verb_shutdown(int argc, char **argv)
{
    static const struct option_set set = {
        "polymoe shutdown", "[OPTION...]",
        "Stop the daemon.  Its jobs wait for the next start, running ones "
        "start over then.",
        rows, NULL};
    struct shutdown_options opt = {0};
    struct moe_err err = {0};
    struct conn *conn = NULL;
    struct msg_writer w;
    json_t *result = NULL;
    int first, rc = options_parse(&set, &opt, argc, argv, &first);
    if (rc != OPTIONS_GO_ON)
        return rc;
    if (argc != first)
        return options_usage_error(&set, "no argument is wanted");
    rc = conn_open(&err, &conn);
    if (!rc) {
        conn_request(conn, &w, "shutdown", false);
        msg_put_bool(&w, "now", opt.now);
        rc = conn_call(&err, conn, &w, &result);
    }
    if (!rc && queue_int(result, "running"))
        fprintf(stderr, "the daemon ends when %lld running jobs have stopped\n",
                (long long)queue_int(result, "running"));
    json_decref(result);
    conn_close(&conn);
    return rc ? verb_fail("shutdown", &err) : 0;
}
