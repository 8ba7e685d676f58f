/*
 * check_conn.c - the client's end of the protocol, against a daemon of a few
 * lines in a child process: lost answers, errors, notifications, versions,
 * hello on every connection.
 */
#include "config.h"

#include "tests/support.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zmq.h>

#include "base/fs.h"
#include "client/client.h"
#include "client/conn.h"
#include "client/queue.h"
#include "proto/endpoint.h"

/* main.c has it for the verbs. */
int
verb_fail(const char *verb, const struct moe_err *err)
{
    (void)verb;
    return moe_exit_status(err->code);
}

struct fake {
    void *socket;
    zmq_msg_t peer;
    char greeted[64];                    // the peer that said hello last
    char first_id[PROTO_REQUEST_ID + 1]; // of the change that was dropped
};

static void
deliver(struct fake *f, struct msg_writer *w)
{
    struct moe_err err;
    zmq_msg_t peer;
    if (msg_finish(w, &err))
        _exit(3);
    zmq_msg_init(&peer);
    zmq_msg_copy(&peer, &f->peer);
    zmq_msg_send(&peer, f->socket, ZMQ_SNDMORE);
    zmq_send(f->socket, w->out.data, w->out.size, 0);
    msg_writer_free(w);
}

static void
put_event(struct fake *f, int64_t seq, const char *kind, const char *state,
          int64_t done)
{
    struct msg_writer w;
    msg_note(&w, "event");
    msg_put_int(&w, "stream", 1);
    msg_put_int(&w, "seq", seq);
    msg_put_int(&w, "job", 7);
    msg_put_str(&w, "kind", kind);
    msg_open_map(&w, "data");
    if (state)
        msg_put_str(&w, "state", state);
    msg_put_int(&w, "done", done);
    msg_close(&w);
    deliver(f, &w);
}

static void
answer_subscribe(struct fake *f, const struct msg *m)
{
    struct msg_writer w;
    int64_t job = 0;
    msg_get_int(NULL, &m->params, "job", &job, MSG_REQUIRED);
    msg_result(&w, m->id);
    msg_put_int(&w, "stream", 1);
    msg_put_int(&w, "seq", 40);
    msg_open_list(&w, "jobs");
    msg_open_map(&w, NULL);
    msg_put_int(&w, "id", job);
    msg_put_str(&w, "state", job == 8 ? "timed_out" : "running");
    msg_close(&w);
    msg_close(&w);
    deliver(f, &w);
    if (job == 8)
        return;
    put_event(f, 40, "job_state", "failed", 0); // before the snapshot
    put_event(f, 41, "progress", NULL, 5);
    put_event(f, 42, "job_state", "succeeded", 0);
}

/* The first try of a change is lost; the second must be the same change. */
static void
answer_cancel(struct fake *f, const struct msg *m)
{
    struct msg_writer w;
    char id[PROTO_REQUEST_ID + 1] = "";
    msg_get_str(NULL, &m->params, "request_id", id, sizeof id, MSG_REQUIRED);
    if (!f->first_id[0]) {
        memcpy(f->first_id, id, sizeof id);
        return;
    }
    msg_result(&w, m->id);
    msg_put_bool(&w, "same", strcmp(id, f->first_id) == 0);
    deliver(f, &w);
}

static void
answer(struct fake *f, const struct msg *m, bool old)
{
    struct msg_writer w;
    const bool hello = strcmp(m->method, "hello") == 0;
    const size_t n = zmq_msg_size(&f->peer);
    if (hello)
        memcpy(f->greeted, zmq_msg_data(&f->peer), n);
    if (memcmp(f->greeted, zmq_msg_data(&f->peer), n) != 0) {
        msg_error(&w, m->id, PROTO_version_unsupported, "say hello first");
        deliver(f, &w);
    } else if (hello && old) {
        msg_error(&w, m->id, PROTO_version_unsupported, "0 to 0 spoken here");
        deliver(f, &w);
    } else if (strcmp(m->method, "show") == 0) {
        msg_note(&w, "heartbeat");
        msg_put_int(&w, "seq", 12);
        deliver(f, &w);
        msg_error(&w, m->id, PROTO_unknown_job, "there is no job 7");
        deliver(f, &w);
    } else if (strcmp(m->method, "cancel") == 0)
        answer_cancel(f, m);
    else if (strcmp(m->method, "subscribe") == 0)
        answer_subscribe(f, m);
    else if (strcmp(m->method, "log") == 0) {
        zmq_msg_t peer;
        zmq_msg_init(&peer);
        zmq_msg_copy(&peer, &f->peer);
        zmq_msg_send(&peer, f->socket, ZMQ_SNDMORE);
        zmq_send(f->socket, "\xdd\xff\xff\xff\xff", 5, 0);
    } else {
        msg_result(&w, m->id);
        msg_put_int(&w, "protocol", 1);
        deliver(f, &w);
    }
}

static void
serve(const struct endpoint *e, bool old, int ready)
{
    struct moe_err err;
    struct fake f = {0};
    int fd;
    if (endpoint_lock(&err, &fd, e->state_dir, "lock"))
        _exit(2);
    f.socket = zmq_socket(zmq_ctx_new(), ZMQ_ROUTER);
    if (zmq_bind(f.socket, e->control) != 0 || write(ready, "r", 1) != 1)
        _exit(2);
    for (;;) {
        zmq_msg_t frame;
        struct msg m;
        zmq_msg_init(&f.peer);
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&f.peer, f.socket, 0) < 0 ||
            zmq_msg_recv(&frame, f.socket, 0) < 0)
            _exit(0);
        if (!msg_read(&err, &m, zmq_msg_data(&frame), zmq_msg_size(&frame))) {
            answer(&f, &m, old);
            msg_free(&m);
        }
        zmq_msg_close(&frame);
        zmq_msg_close(&f.peer);
    }
}

static pid_t
start_fake(bool old)
{
    struct moe_err err = {0};
    struct endpoint e = {0};
    int ready[2];
    char byte;
    setenv("POLYMOE_STATE_DIR", support_path("state"), 1);
    setenv("POLYMOE_TIMEOUT", "0.5", 1);
    ck_ok(&err, endpoint_make(&err, &e, NULL));
    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0)
        serve(&e, old, ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    endpoint_free(&e);
    return pid;
}

static void
stop_fake(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

START_TEST(without_a_daemon_it_says_so)
{
    struct moe_err err = {0};
    struct conn *conn;
    setenv("POLYMOE_STATE_DIR", support_path("nowhere"), 1);
    ck_fails(&err, conn_open(&err, &conn), MOE_ENODAEMON, "no daemon on");
    ck_assert_ptr_null(conn);
    pid_t pid = start_fake(false);
    stop_fake(pid); // its socket file stays behind
    ck_fails(&err, conn_open(&err, &conn), MOE_ENODAEMON, "no daemon on");
}
END_TEST

START_TEST(versions_must_meet)
{
    struct moe_err err = {0};
    struct conn *conn;
    pid_t pid = start_fake(true);
    ck_fails(&err, conn_open(&err, &conn), MOE_EVERSION, "0 to 0 spoken");
    stop_fake(pid);
}
END_TEST

START_TEST(a_lost_answer_repeats_the_same_change)
{
    struct moe_err err = {0};
    struct conn *conn;
    struct msg_writer w;
    json_t *result;
    pid_t pid = start_fake(false);
    ck_ok(&err, conn_open(&err, &conn));
    ck_assert_int_eq(queue_int(conn_hello(conn), "protocol"), 1);
    conn_request(conn, &w, "cancel", true);
    ck_ok(&err, conn_call(&err, conn, &w, &result));
    ck_assert(json_is_true(json_object_get(result, "same")));
    json_decref(result);
    conn_close(&conn);
    stop_fake(pid);
}
END_TEST

START_TEST(errors_and_notes_come_through)
{
    struct moe_err err = {0};
    struct conn *conn;
    json_t *result, *note;
    pid_t pid = start_fake(false);
    ck_ok(&err, conn_open(&err, &conn));
    ck_fails(&err, queue_ask(&err, conn, "show", 7, &result), MOE_ENOJOB,
             "there is no job 7");
    ck_assert_ptr_null(result);
    ck_ok(&err, conn_next(&err, conn, 0, &note));
    ck_assert_str_eq(queue_text(note, "method"), "heartbeat");
    ck_assert_int_eq(queue_int(note, "seq"), 12);
    json_decref(note);
    ck_ok(&err, conn_next(&err, conn, 10, &note));
    ck_assert_ptr_null(note);
    /* A bomb of five bytes is refused, not allocated. */
    ck_assert_int_eq(queue_ask(&err, conn, "log", 7, &result), MOE_EPROTO);
    conn_close(&conn);
    stop_fake(pid);
}
END_TEST

START_TEST(a_job_is_watched_to_its_end)
{
    struct moe_err err = {0};
    struct conn *conn;
    json_t *job;
    pid_t pid = start_fake(false);
    ck_ok(&err, conn_open(&err, &conn));
    ck_ok(&err, queue_watch(&err, conn, 7, WATCH_SILENT, &job));
    ck_assert_str_eq(queue_text(job, "state"), "succeeded");
    ck_assert_int_eq(queue_end_status(job), 0);
    json_decref(job);
    ck_ok(&err, queue_watch(&err, conn, 8, WATCH_SILENT, &job));
    ck_assert_int_eq(queue_end_status(job), 8);
    json_decref(job);
    conn_close(&conn);
    stop_fake(pid);
}
END_TEST

START_TEST(fields_have_words)
{
    struct moe_err err = {0};
    int64_t id;
    json_t *job = json_pack(
        "{s:s, s:I, s:[s,i], s:{s:i, s:i, s:s}, s:n}", "name", "a",
        "submitted_ms", (json_int_t)1767225600000, "after", "b", 7, "progress",
        "done", 3, "total", 4, "unit", "tokens", "reason");
    static const char *const want[][2] = {
        {"name", "a"},     {"submitted_ms", "2026-01-01T00:00:00.000Z"},
        {"after", "b, 7"}, {"progress", "3/4 tokens"},
        {"reason", ""},    {"none", ""}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        char *got = queue_field(job, want[i][0]);
        ck_assert_str_eq(got, want[i][1]);
        free(got);
    }
    json_decref(job);
    ck_ok(&err, queue_job_id(&err, "17", &id));
    ck_assert_int_eq(id, 17);
    ck_fails(&err, queue_job_id(&err, "x", &id), MOE_EINVAL, "'x' is not");
    ck_fails(&err, queue_job_id(&err, "0", &id), MOE_EINVAL, "'0' is not");
    ck_fails(&err, queue_job_id(&err, "7x", &id), MOE_EINVAL, "'7x' is not");
    ck_fails(&err, queue_job_id(&err, "99999999999999999999", &id), MOE_EINVAL,
             "is not");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("conn");
    TCase *t = tcase_create("conn");
    tcase_set_timeout(t, 30);
    tcase_add_test(t, without_a_daemon_it_says_so);
    tcase_add_test(t, versions_must_meet);
    tcase_add_test(t, a_lost_answer_repeats_the_same_change);
    tcase_add_test(t, errors_and_notes_come_through);
    tcase_add_test(t, a_job_is_watched_to_its_end);
    tcase_add_test(t, fields_have_words);
    suite_add_tcase(s, t);
    return support_main(s, 0);
}
