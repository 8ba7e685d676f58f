/*
 * proto.h - the protocol between daemon and client: names, fields, errors,
 * limits.
 *
 * polymoe-protocol(7) says what the words mean.  Whoever changes a row here
 * raises PROTO_MAX, keeps old names with their meaning, and changes that page.
 */
#ifndef PROTO_PROTO_H
#define PROTO_PROTO_H

#include <polymoe/error.h>

/* Versions that this build speaks. */
enum { PROTO_MIN = 1, PROTO_MAX = 1 };

/* Bounds of every message; the daemon tells them in its answer to hello. */
enum {
    PROTO_FRAME_BYTES = 1 << 20,
    PROTO_DEPTH = 8,      // containers inside each other
    PROTO_ITEMS = 4096,   // of one map or array
    PROTO_STRING = 65536, // bytes of one string or binary
    PROTO_NODES = 65536,  // values of one message
    PROTO_LOG_CHUNK = 65536,
    PROTO_STREAMS = 16,      // subscriptions of one client
    PROTO_PEERS = 256,       // clients at one time
    PROTO_JOBS_OPEN = 10000, // jobs that have not ended
    PROTO_REQUEST_ID = 64,   // bytes of a request_id
    PROTO_LIST = 1000        // jobs in one answer to list
};

/* clang-format off */
/*
 * Requests: name, parameters, results.  A name that ends in '?' may be left
 * out.  Types: int, bool, real, str, bin, map, [TYPE].
 */
#define PROTO_METHODS(XX)                                                     \
    XX(hello, "protocol_min int, protocol_max int, program? str",             \
       "protocol int, instance str, version str, pid int, limits map")        \
    XX(submit, "request_id str, jobs [map], hold? bool",                      \
       "ids [int], outs [str]")                                               \
    XX(list, "state? str, limit? int, before? int",                           \
       "jobs [map], more bool")                                               \
    XX(show, "job int", "job map, spec map")                                  \
    XX(cancel, "request_id str, jobs [int]",                                  \
       "results [map]")                                                       \
    XX(status, "",                                                            \
       "version str, pid int, state_dir str, uptime_s int, counts map, "      \
       "devices [map]")                                                       \
    XX(shutdown, "now? bool", "running int")                                  \
    XX(subscribe, "job? int, from? int, log_from? int",                       \
       "stream int, seq int, jobs [map]")                                     \
    XX(unsubscribe, "stream int", "")                                         \
    XX(log, "job int, offset? int, limit? int",                               \
       "data bin, offset int, next int, size int")

/* Notifications from the daemon. */
#define PROTO_NOTES(XX)                                                       \
    XX(event, "stream int, seq int, job int, kind str, time int, data map")   \
    XX(heartbeat, "stream int, seq int")                                      \
    XX(bye, "stream int, seq int, reason str")

/*
 * Error codes: word, the code it becomes in a program, when to try again.
 * The list is closed; text beside a code is for people only.
 */
#define PROTO_ERRORS(XX)                                                      \
    XX(bad_frame,           EPROTO,   "never")                                \
    XX(bad_message,         EPROTO,   "fix")                                  \
    XX(too_large,           EPROTO,   "fix")                                  \
    XX(too_deep,            EPROTO,   "fix")                                  \
    XX(version_unsupported, EVERSION, "never")                                \
    XX(unknown_method,      EPROTO,   "never")                                \
    XX(unknown_job,         ENOJOB,   "fix")                                  \
    XX(bad_state,           ESTATE,   "fix")                                  \
    XX(denied,              EDENIED,  "never")                                \
    XX(quota,               EREFUSED, "later")                                \
    XX(rate_limited,        EREFUSED, "later")                                \
    XX(draining,            EREFUSED, "later")                                \
    XX(storage_full,        ESTORAGE, "later")                                \
    XX(storage_failed,      ESTORAGE, "later")                                \
    XX(conflict,            ESTATE,   "fix")                                  \
    XX(invalid_spec,        EFORMAT,  "fix")                                  \
    XX(no_device,           EDEVICE,  "later")                                \
    XX(dependency_cycle,    EFORMAT,  "fix")                                  \
    XX(timeout,             ETIMEOUT, "later")                                \
    XX(internal,            EJOB,     "later")

/* States of a job: word, has it ended. */
#define PROTO_STATES(XX)                                                      \
    XX(held,              0)                                                  \
    XX(queued,            0)                                                  \
    XX(starting,          0)                                                  \
    XX(running,           0)                                                  \
    XX(checkpointing,     0)                                                  \
    XX(stopping,          0)                                                  \
    XX(succeeded,         1)                                                  \
    XX(failed,            1)                                                  \
    XX(cancelled,         1)                                                  \
    XX(timed_out,         1)                                                  \
    XX(dependency_failed, 1)                                                  \
    XX(lost,              1)
/* clang-format on */

enum proto_method {
#define XX(name, params, results) PROTO_METHOD_##name,
    PROTO_METHODS(XX)
#undef XX
        PROTO_METHOD_COUNT
};

enum proto_error {
    PROTO_OK = 0,
#define XX(name, code, retry) PROTO_##name,
    PROTO_ERRORS(XX)
#undef XX
        PROTO_ERROR_COUNT
};

enum proto_state {
#define XX(name, ended) PROTO_STATE_##name,
    PROTO_STATES(XX)
#undef XX
        PROTO_STATE_COUNT
};

/* The name of a method, or its number; PROTO_METHOD_COUNT when unknown. */
const char *proto_method_name(enum proto_method method);
enum proto_method proto_method_find(const char *name);

/* The word of an error, its code in a program, "never", "later" or "fix". */
const char *proto_error_name(enum proto_error error);
enum proto_error proto_error_find(const char *name); // internal when unknown
int proto_error_code(enum proto_error error);
const char *proto_error_retry(enum proto_error error);

const char *proto_state_name(enum proto_state state);
enum proto_state proto_state_find(const char *name); // PROTO_STATE_COUNT
int proto_state_ended(enum proto_state state);

#endif
