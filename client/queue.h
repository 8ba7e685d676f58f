/*
 * queue.h - what the verbs of the queue share: job numbers, fields of a job,
 * how a job's end becomes an exit status, watching a job.
 */
#ifndef CLIENT_QUEUE_H
#define CLIENT_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "client/conn.h"

/* A job's number from the command line; MOE_EINVAL. */
int queue_job_id(struct moe_err *err, const char *text, int64_t *out);

/* The options and the one JOB of a verb; returns what options_parse() does. */
struct option_set;
int queue_one_job(const struct option_set *set, void *fields, int argc,
                  char **argv, int64_t *id);

/* Text and number of a job's field, "" and 0 when it has none. */
const char *queue_text(const json_t *job, const char *key);
int64_t queue_int(const json_t *job, const char *key);

/* A field in words: a time for keys that end in _ms, "done/total" for
 * progress, lists with commas; for the caller to free. */
char *queue_field(const json_t *job, const char *key);

bool queue_ended(const json_t *job);

/* 0 succeeded, 1 failed, 8 out of time, 11 cancelled. */
int queue_end_status(const json_t *job);

/* One JSON document and a line end on standard output; takes the reference. */
void queue_put_json(json_t *value);

/* Ask for one thing without parameters beyond `job` (none when 0). */
int queue_ask(struct moe_err *err, struct conn *conn, const char *method,
              int64_t job, json_t **result);

enum watch_style {
    WATCH_SILENT, // only wait
    WATCH_SHOW,   // progress, states and warnings for people
    WATCH_JSON    // every event as a line
};

/*
 * Watch a job until its end, over restarts of the daemon; *job is its last
 * state, the caller's.  MOE_ECANCEL after ^C, when the job goes on.
 */
int queue_watch(struct moe_err *err, struct conn *conn, int64_t id,
                enum watch_style style, json_t **job);

/* Watch and say how it ended on standard error; an exit status. */
int queue_watch_verb(const char *verb, struct conn *conn, int64_t id,
                     enum watch_style style);

#endif
