/*
 * resend.c - send one change to the daemon under a request_id that is given:
 * resend METHOD REQUEST_ID [SPEC], for tests of what is sent twice.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/conn.h"
#include "job/study.h"

static int
put_jobs(struct moe_err *err, struct msg_writer *w, const char *path)
{
    struct job_study study;
    int rc = job_study_read(err, &study, path, NULL, 0, NULL);
    for (size_t i = 0; !rc && i < study.n; i++)
        rc = job_spec_pack(err, msg_value(w, NULL), &study.job[i]);
    job_study_free(&study);
    return rc;
}

int
main(int argc, char **argv)
{
    struct moe_err err = {0};
    struct conn *conn = NULL;
    struct msg_writer w;
    json_t *result = NULL;
    if (argc < 3)
        return 2;
    int rc = conn_open(&err, &conn);
    if (!rc) {
        conn_request(conn, &w, argv[1], false);
        msg_put_str(&w, "request_id", argv[2]);
        msg_open_list(&w, "jobs");
        if (argc > 3)
            rc = put_jobs(&err, &w, argv[3]);
        msg_close(&w);
        if (!rc)
            rc = conn_call(&err, conn, &w, &result);
    }
    if (rc)
        fprintf(stderr, "resend: %s\n", err.text);
    else
        json_dumpf(result, stdout, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(result);
    conn_close(&conn);
    return rc ? moe_exit_status(rc) : 0;
}
