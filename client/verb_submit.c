/*
 * verb_submit.c - polymoe submit: put a job or a study into the queue.
 */
#include "config.h"

#include "client/client.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/options.h"
#include "client/interrupt.h"
#include "client/queue.h"
#include "client/text.h"
#include "job/study.h"

struct submit_options {
    struct option_list set;
    const char *out;
    bool parsable, json, wait, follow;
};

static const struct option_row rows[] = {
    {'s', "set", "FIELD=VALUE",
     "use this value in place of the spec's; may be repeated", OPTION_LIST,
     offsetof(struct submit_options, set), 0, 0},
    {'o', "out", "DIR", "directory for the results, new or empty",
     OPTION_STRING, offsetof(struct submit_options, out), 0, 0},
    {'p', "parsable", NULL, "print only the numbers, one a line", OPTION_FLAG,
     offsetof(struct submit_options, parsable), 0, 0},
    {'j', "json", NULL, "print JSON", OPTION_FLAG,
     offsetof(struct submit_options, json), 0, 0},
    {'w', "wait", NULL, "wait for the end, and end as the job did", OPTION_FLAG,
     offsetof(struct submit_options, wait), 0, 0},
    {'f', "follow", NULL, "the same, with progress", OPTION_FLAG,
     offsetof(struct submit_options, follow), 0, 0},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};

static int
send_study(struct moe_err *err, struct conn *conn,
           const struct job_study *study, json_t **result)
{
    struct msg_writer w;
    int rc = MOE_OK;
    conn_request(conn, &w, "submit", true);
    msg_open_list(&w, "jobs");
    for (size_t i = 0; !rc && i < study->n; i++)
        rc = job_spec_pack(err, msg_value(&w, NULL), &study->job[i]);
    msg_close(&w);
    if (!rc)
        return conn_call(err, conn, &w, result);
    msg_writer_free(&w);
    return rc;
}

static void
print_ids(const struct submit_options *opt, const struct job_study *study,
          json_t *result)
{
    json_t *ids = json_object_get(result, "ids");
    json_t *outs = json_object_get(result, "outs");
    if (opt->json) {
        queue_put_json(json_incref(result));
        return;
    }
    for (size_t i = 0; i < study->n; i++) {
        long long id = json_integer_value(json_array_get(ids, i));
        const char *out = json_string_value(json_array_get(outs, i));
        char *name = text_clean(study->job[i].name);
        if (opt->parsable)
            printf("%lld\n", id);
        else
            printf("job %lld: %s, results in %s\n", id, name ? name : "",
                   out ? out : "");
        free(name);
    }
    fflush(stdout);
}

/* Wait for every job; the first status that is not 0. */
static int
wait_all(const struct submit_options *opt, struct conn *conn,
         const json_t *result)
{
    const json_t *ids = json_object_get(result, "ids");
    enum watch_style style = !opt->follow ? WATCH_SILENT
                             : opt->json  ? WATCH_JSON
                                          : WATCH_SHOW;
    int first = 0;
    for (size_t i = 0; i < json_array_size(ids); i++) {
        int64_t id = json_integer_value(json_array_get(ids, i));
        int status = queue_watch_verb("submit", conn, id, style);
        if (!first)
            first = status;
        if (interrupt_seen())
            break;
    }
    return first;
}

static int
submit(const struct submit_options *opt, const char *path)
{
    struct moe_err err = {0};
    struct job_study study;
    struct conn *conn = NULL;
    json_t *result = NULL;
    int status = 0;
    int rc = job_study_read(&err, &study, path, opt->set.value, opt->set.n,
                            opt->out);
    if (!rc)
        rc = conn_open(&err, &conn);
    if (!rc)
        rc = send_study(&err, conn, &study, &result);
    if (rc)
        status = verb_fail("submit", &err);
    else {
        print_ids(opt, &study, result);
        if (opt->wait || opt->follow)
            status = wait_all(opt, conn, result);
    }
    json_decref(result);
    conn_close(&conn);
    job_study_free(&study);
    return status;
}

int
verb_submit(int argc, char **argv)
{
    static const struct option_set set = {
        "polymoe submit", "[OPTION...] SPEC",
        "Put the job or study of a file into the daemon's queue.", rows, NULL};
    struct submit_options opt = {0};
    int first, rc = options_parse(&set, &opt, argc, argv, &first);
    if (rc == OPTIONS_GO_ON)
        rc = argc - first == 1 ? submit(&opt, argv[first])
                               : options_usage_error(&set, "one SPEC is "
                                                           "wanted");
    option_list_free(&opt.set);
    return rc;
}
