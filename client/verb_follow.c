/*
 * verb_follow.c - polymoe follow: watch a job until its end.
 */
#include "config.h"

#include "client/client.h"

#include <stdbool.h>

#include "base/options.h"
#include "client/queue.h"

struct follow_options {
    bool json;
};

static const struct option_row rows[] = {
    {'j', "json", NULL, "print every event as a line of JSON", OPTION_FLAG,
     offsetof(struct follow_options, json), 0, 0},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};

int
verb_follow(int argc, char **argv)
{
    static const struct option_set set = {
        "polymoe follow", "[OPTION...] JOB",
        "Watch a job until its end.  ^C leaves it running.", rows, NULL};
    struct follow_options opt = {0};
    struct moe_err err = {0};
    struct conn *conn = NULL;
    int64_t id;
    int rc = queue_one_job(&set, &opt, argc, argv, &id);
    if (rc != OPTIONS_GO_ON)
        return rc;
    if (conn_open(&err, &conn))
        return verb_fail("follow", &err);
    int status = queue_watch_verb("follow", conn, id,
                                  opt.json ? WATCH_JSON : WATCH_SHOW);
    conn_close(&conn);
    return status;
}
