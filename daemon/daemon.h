/*
 * daemon.h - what the files of polymoed share: one struct, one thread.
 *
 * Flow of a job: handle_submit.c stores it, scheduler.c picks it,
 * supervise.c starts its worker, worker_link.c talks with that worker,
 * supervise.c sees it end; jobs.c writes each change of state and stream.c
 * tells the subscribers.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <polymoe/ctx.h>

#include "daemon/settings.h"
#include "daemon/store.h"
#include "daemon/system.h"
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

/* A subscription: where its reader is. */
struct stream {
    struct route route;
    int64_t id;
    int64_t job;      // 0: every job
    int64_t seq;      // last event that was sent
    char *log_path;   // NULL: no lines wanted
    int64_t log_next; // offset of the next line
    double stuck_at;  // monotonic; since when it takes nothing, 0: it does
    bool stale;       // there may be something to send
    bool gone;        // to be dropped
    struct stream *next;
};

/* A worker that lives, or has not been seen to end. */
struct attempt {
    int64_t job;
    int64_t number;
    pid_t pid;
    bool child;     // ours; otherwise adopted from the daemon before
    bool requeue;   // stopped for a shutdown: runs again later
    bool ended;     // its end waits to be stored
    int status;     // the system's word for that end
    double kill_at; // monotonic; 0: not told to stop
    double limit;   // monotonic; time_limit ends then, 0: none
    double look_at; // monotonic; when it is looked at again
    double born;
    char identity[SYSTEM_IDENTITY];
    char *dir;
    char progress[512]; // packed map of the last report
    size_t n_progress;
    struct attempt *next;
};

struct daemon {
    struct endpoint where;
    struct settings conf;
    const struct daemon_options *options; // of the command line
    struct store store;
    void *zmq, *control, *workers;
    int lock, wake; // descriptors: the state's lock, signals as bytes
    char instance[33];
    double started;
    int64_t seq, seq_reserved;
    int64_t logged; // last state event in the log
    int64_t next_stream;
    double beat_at, prune_at;
    double room_at, room_told;
    bool no_room, room_said;
    bool pumping, stuck; // streams: there is more to send; one waits
    bool schedule;       // something changed: look for work
    bool ending;         // shutdown: no new work
    struct peer peer[PROTO_PEERS];
    size_t n_peers;
    struct stream *streams;
    struct attempt *attempts;
};

/* One line on standard error, for levels up to the one that is wanted. */
void daemon_log(enum moe_log_level level, const char *fmt, ...)
    MOE_PRINTF(2, 3);
void daemon_log_level(int64_t level);

/* Read the settings again, keeping the old ones where that fails. */
void daemon_reload(struct daemon *d);

/* ---- server.c ----------------------------------------------------------- */
int server_open(struct moe_err *err, struct daemon *d);
int server_loop(struct moe_err *err, struct daemon *d);
void server_close(struct daemon *d);
/* Never blocks.  SEND_BUSY: the peer does not read; nothing was sent. */
enum send_result { SEND_DONE, SEND_BUSY, SEND_GONE };
enum send_result server_send(void *socket, const struct route *to,
                             struct msg_writer *w);

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

/* Request id and jobs of a change; *jobs is NULL when it was made before, and
 * its stored result is in the reply. */
enum proto_error request_begin(struct moe_err *err, struct daemon *d,
                               const struct request *r, char *id,
                               const msgpack_object_array **jobs);
/* Keep the result with the change, in its transaction. */
int request_keep(struct moe_err *err, struct daemon *d, const struct request *r,
                 const char *id);
/* Forget answers that are older than the settings say. */
void requests_prune(struct daemon *d);
/* Bytes of a file from offset, and its size; 0 and 0 when there is none. */
size_t file_piece(const char *path, int64_t offset, char *buf, size_t cap,
                  int64_t *size);

/* ---- jobs.c ------------------------------------------------------------- */
/* A durable change of state with its event, in the transaction that is open or
 * one of its own.  Ended jobs do not change. */
int job_set_state(struct moe_err *err, struct daemon *d, int64_t job,
                  enum proto_state state, const char *reason);
enum proto_state job_state(struct daemon *d, int64_t job);
/* Columns of JOB_COLUMNS as the fields of a map that is open. */
#define JOB_COLUMNS                                                            \
    "id, name, kind, state, reason, priority, device, out, submitted_ms, "     \
    "started_ms, ended_ms, attempt, exit"
void job_put(struct daemon *d, struct msg_writer *w, sqlite3_stmt *row);
void job_request_stop(struct daemon *d, struct attempt *a);
/* The job's log.txt, for the caller to free; NULL when there is no such job. */
char *job_log_path(struct moe_err *err, struct daemon *d, int64_t job);

/* Why a worker was told to stop: jobs.stop. */
enum { STOP_NOT, STOP_CANCEL, STOP_LIMIT };

/* ---- events.c ----------------------------------------------------------- */
/* The next number, durably reserved; 0 when that failed. */
int64_t event_next_seq(struct daemon *d);
void event_rolled_back(struct daemon *d);
/* New changes of state into the daemon's own log. */
void event_log_states(struct daemon *d);
/* Passing news of a worker: data is a packed map. */
void event_news(struct daemon *d, int64_t job, const char *kind,
                const void *data, size_t n);
void event_beat(struct daemon *d);
void event_bye(struct daemon *d, const char *reason);

/* ---- stream.c, stream_log.c --------------------------------------------- */
void stream_event(struct msg_writer *w, const struct stream *s, int64_t seq,
                  int64_t job, const char *kind, int64_t time_ms);
enum send_result stream_tell(struct daemon *d, const struct stream *s,
                             const char *method, const char *reason);
/* false: not now, or gone; noted in s. */
bool stream_send(struct daemon *d, struct stream *s, struct msg_writer *w);
/* Send what there is; s->stale stays set while there is more. */
void stream_pump(struct daemon *d, struct stream *s);
bool stream_send_log(struct daemon *d, struct stream *s, bool ended);
void stream_drop(struct stream **at);
/* There may be something new about this job, or about any (0). */
void streams_stale(struct daemon *d, int64_t job);
void streams_pump(struct daemon *d);

/* ---- room.c ------------------------------------------------------------- */
/* Look now: is there room for another job? */
bool room_check(struct daemon *d);
void room_tick(struct daemon *d);

/* ---- notify.c ----------------------------------------------------------- */
/* Tell the service manager at $NOTIFY_SOCKET, if there is one: "READY=1". */
void notify_send(const char *state);

/* ---- scheduler.c, supervise.c, worker_link.c ---------------------------- */
void schedule_jobs(struct daemon *d);
int attempt_start(struct moe_err *err, struct daemon *d, int64_t job);
void attempts_adopt(struct daemon *d);
void attempts_reap(struct daemon *d); // children and adopted ones that ended
void attempts_stop(struct daemon *d, int signal, bool requeue);
/* worker_end.c: store how an attempt ended.  false: try again later. */
bool attempt_settle(struct daemon *d, const struct attempt *a);
struct attempt *attempt_find(struct daemon *d, int64_t job);
void worker_receive(struct daemon *d, const struct route *from,
                    const void *bytes, size_t n);

#endif
