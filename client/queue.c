/*
 * queue.c - what the verbs of the queue share.
 */
#include "config.h"

#include "client/queue.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/options.h"
#include "base/str.h"
#include "proto/proto.h"

int
queue_job_id(struct moe_err *err, const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    long long x = strtoll(text, &end, 10);
    if (errno || end == text || *end || x <= 0)
        return moe_fail(err, MOE_EINVAL, "'%s' is not the number of a job",
                        text);
    *out = x;
    return MOE_OK;
}

int
queue_one_job(const struct option_set *set, void *fields, int argc, char **argv,
              int64_t *id)
{
    struct moe_err err = {0};
    int first, rc = options_parse(set, fields, argc, argv, &first);
    if (rc != OPTIONS_GO_ON)
        return rc;
    if (argc - first != 1)
        return options_usage_error(set, "one JOB is wanted");
    return queue_job_id(&err, argv[first], id)
               ? options_usage_error(set, "%s", err.text)
               : OPTIONS_GO_ON;
}

const char *
queue_text(const json_t *job, const char *key)
{
    const char *s = json_string_value(json_object_get(job, key));
    return s ? s : "";
}

int64_t
queue_int(const json_t *job, const char *key)
{
    return json_integer_value(json_object_get(job, key));
}

static char *
time_text(int64_t ms)
{
    char iso[CLOCK_ISO_BYTES];
    if (!ms)
        return str_copy("");
    clock_iso(iso, sizeof iso, ms);
    return str_copy(iso);
}

/* "20480/286720 tokens", or what else the value is. */
static char *
value_text(const json_t *value)
{
    if (queue_int(value, "total"))
        return str_format("%" PRId64 "/%" PRId64 " %s",
                          queue_int(value, "done"), queue_int(value, "total"),
                          queue_text(value, "unit"));
    if (json_is_string(value))
        return str_copy(json_string_value(value));
    if (!value || json_is_null(value))
        return str_copy("");
    if (json_is_array(value)) {
        struct str out = {0};
        for (size_t i = 0; i < json_array_size(value); i++) {
            char *item = value_text(json_array_get(value, i));
            str_printf(&out, "%s%s", i ? ", " : "", item ? item : "");
            free(item);
        }
        return str_take(&out);
    }
    return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

char *
queue_field(const json_t *job, const char *key)
{
    const json_t *value = json_object_get(job, key);
    size_t n = strlen(key);
    if (n > 3 && strcmp(key + n - 3, "_ms") == 0 && json_is_integer(value))
        return time_text(json_integer_value(value));
    return value_text(value);
}

static enum proto_state
state_of(const json_t *job)
{
    return proto_state_find(queue_text(job, "state"));
}

bool
queue_ended(const json_t *job)
{
    enum proto_state state = state_of(job);
    return state != PROTO_STATE_COUNT && proto_state_ended(state);
}

int
queue_end_status(const json_t *job)
{
    switch (state_of(job)) {
    case PROTO_STATE_succeeded:
        return 0;
    case PROTO_STATE_cancelled:
        return moe_exit_status(MOE_ECANCEL);
    case PROTO_STATE_timed_out:
        return moe_exit_status(MOE_ETIMEOUT);
    default:
        return moe_exit_status(MOE_EJOB);
    }
}

void
queue_put_json(json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    if (text) {
        puts(text);
        fflush(stdout);
    }
    free(text);
    json_decref(value);
}

int
queue_ask(struct moe_err *err, struct conn *conn, const char *method,
          int64_t job, json_t **result)
{
    struct msg_writer w;
    conn_request(conn, &w, method, false);
    if (job)
        msg_put_int(&w, "job", job);
    return conn_call(err, conn, &w, result);
}
