/*
 * daemon.h - what the files of polymoed share: one struct, one thread.
 *
 * Flow of a job: handle_submit.c stores it, scheduler.c picks it,
 * supervise.c starts its worker, worker_link.c talks with that worker,
 * supervise.c sees it end; jobs.c writes each change of state and events.c
 * tells the subscribers.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/store.h"
#include "proto/endpoint.h"
#include "proto/msg.h"

enum { ROUTE_MAX = 32 };

/* ZeroMQ's name of a connection. */
struct route {
    unsigned char id[ROUTE_MAX];
    size_t n;
};

/* A client that said hello. */
struct peer {
    struct route route;
    int64_t seen_ms;
};

struct stream {
    struct route route;
    int64_t id;
    int64_t job; // 0: every job
    struct stream *next;
};

/* A worker that lives, or has not been seen to end. */
struct attempt {
    int64_t job;
    int64_t number;
    pid_t pid;
    bool child;     // ours; otherwise adopted from the daemon before
    bool requeue;   // stopped for a shutdown: runs again later
    double kill_at; // monotonic; 0: not told to stop
    double born;
    char *dir;
    char progress[512]; // packed map of the last report
    size_t n_progress;
    struct attempt *next;
};

struct daemon {
    struct endpoint where;
    struct store store;
    void *zmq, *control, *workers;
    int lock, wake; // descriptors: the state's lock, signals as bytes
    char instance[33];
    double started;
    int64_t seq, seq_reserved;
    int64_t next_stream;
    double beat_at;
    bool schedule; // something changed: look for work
    bool ending;   // shutdown: no new work
    struct peer peer[PROTO_PEERS];
    size_t n_peers;
    struct stream *streams;
    struct attempt *attempts;
};

/* One line on standard error. */
void daemon_log(const char *fmt, ...) MOE_PRINTF(1, 2);

/* ---- server.c ----------------------------------------------------------- */
int server_open(struct moe_err *err, struct daemon *d);
int server_loop(struct moe_err *err, struct daemon *d);
void server_close(struct daemon *d);
/* Never blocks.  false: the peer is gone or does not read. */
bool server_send(void *socket, const struct route *to, struct msg_writer *w);

/* ---- handlers ----------------------------------------------------------- */
struct request {
    const struct route *from;
    const struct msg *msg;
    struct msg_writer *reply; // a result map is open
};
/* Fill the reply; anything but PROTO_OK becomes an error with err's text. */
typedef enum proto_error handler_fn(struct moe_err *err, struct daemon *d,
                                    const struct request *r);
handler_fn handle_submit, handle_list, handle_show, handle_cancel,
    handle_status, handle_shutdown, handle_subscribe, handle_unsubscribe,
    handle_log;

/* A stored result of that request id is in the reply: *done. */
enum proto_error request_replay(struct moe_err *err, struct daemon *d,
                                const struct request *r, char *id, bool *done);
/* Keep the result with the change, in its transaction. */
int request_keep(struct moe_err *err, struct daemon *d, const struct request *r,
                 const char *id);

/* ---- jobs.c ------------------------------------------------------------- */
/* A durable change of state, in the transaction that is open or one of its
 * own, and an event.  Ended jobs do not change. */
int job_set_state(struct moe_err *err, struct daemon *d, int64_t job,
                  enum proto_state state, const char *reason);
enum proto_state job_state(struct daemon *d, int64_t job);
/* Columns of JOB_COLUMNS as the fields of a map that is open. */
#define JOB_COLUMNS                                                            \
    "id, name, kind, state, reason, priority, device, out, submitted_ms, "     \
    "started_ms, ended_ms, attempt, exit"
void job_put(struct daemon *d, struct msg_writer *w, sqlite3_stmt *row);
void job_request_stop(struct daemon *d, struct attempt *a);

/* ---- events.c ----------------------------------------------------------- */
int64_t event_next_seq(struct daemon *d);
void event_state(struct daemon *d, int64_t seq, int64_t job, const char *state,
                 const char *reason, int64_t time_ms);
/* Passing news of a worker: data is a packed map. */
void event_news(struct daemon *d, int64_t job, const char *kind,
                const void *data, size_t n);
void event_beat(struct daemon *d);
void event_bye(struct daemon *d, const char *reason);

/* ---- scheduler.c, supervise.c, worker_link.c ---------------------------- */
void schedule_jobs(struct daemon *d);
int attempt_start(struct moe_err *err, struct daemon *d, int64_t job);
void attempts_adopt(struct daemon *d);
void attempts_reap(struct daemon *d); // children and adopted ones that ended
void attempts_stop(struct daemon *d, int signal, bool requeue);
struct attempt *attempt_find(struct daemon *d, int64_t job);
void worker_receive(struct daemon *d, const struct route *from,
                    const void *bytes, size_t n);

#endif
