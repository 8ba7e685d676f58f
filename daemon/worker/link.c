/*
 * link.c - the worker's end of its talk with the daemon.
 *
 * A ZeroMQ socket belongs to one thread.  The job's thread sends packed
 * notifications over an in-process pair, the link's thread passes them on and
 * repeats `register` each second; while no daemon runs they are dropped, for
 * log.txt and metrics.jsonl hold all of it.
 */
#include "config.h"

#include "daemon/worker/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zmq.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "proto/endpoint.h"

static const char PAIR[] = "inproc://news";

struct link {
    void *zmq, *daemon, *job; // contexts' sockets: link's and job's thread
    struct endpoint where;
    char *token;
    int64_t number; // of the job
    uint32_t next_id;
    pthread_t thread;
    bool running; // the thread was made
    double progress_at;
};

static volatile sig_atomic_t stop;

void
link_stop(void)
{
    stop = 1;
}

static void
send_register(struct link *l, bool spec)
{
    struct msg_writer w;
    msg_request(&w, ++l->next_id, "register");
    msg_put_int(&w, "job", l->number);
    msg_put_str(&w, "token", l->token);
    msg_put_bool(&w, "spec", spec);
    if (!msg_finish(&w, NULL))
        zmq_send(l->daemon, w.out.data, w.out.size, spec ? 0 : ZMQ_DONTWAIT);
    msg_writer_free(&w);
}

/* Read one answer.  MOE_OK with *got when it held what was asked for. */
static int
take_spec(struct moe_err *err, const void *bytes, size_t n,
          struct job_spec *spec, char **out_dir, bool *got)
{
    struct msg m;
    const msgpack_object *map;
    *got = false;
    if (msg_read(err, &m, bytes, n))
        return MOE_EPROTO;
    int rc = msg_reply_error(err, &m);
    if (!rc)
        rc = msg_get_map(err, &m.params, "spec", &map, MSG_REQUIRED);
    if (!rc)
        rc = msg_dup_str(err, &m.params, "out", out_dir, MSG_REQUIRED);
    if (!rc)
        rc = job_spec_unpack(err, spec, map);
    msg_free(&m);
    *got = !rc;
    return rc;
}

static int
fetch_spec(struct moe_err *err, struct link *l, struct job_spec *spec,
           char **out_dir)
{
    const double until = clock_seconds() + 60;
    bool got = false;
    int rc = MOE_OK;
    while (!rc && !got && !stop && clock_seconds() < until) {
        zmq_pollitem_t item = {l->daemon, 0, ZMQ_POLLIN, 0};
        zmq_msg_t m;
        send_register(l, true);
        if (zmq_poll(&item, 1, 1000) <= 0)
            continue;
        zmq_msg_init(&m);
        if (zmq_msg_recv(&m, l->daemon, ZMQ_DONTWAIT) >= 0)
            rc = take_spec(err, zmq_msg_data(&m), zmq_msg_size(&m), spec,
                           out_dir, &got);
        zmq_msg_close(&m);
    }
    if (!rc && !got)
        rc = stop ? moe_fail(err, MOE_ECANCEL, "stopped before it began")
                  : moe_fail(err, MOE_ENODAEMON, "no answer from the daemon");
    return rc;
}

/* An answer to a later register: is the job to stop? */
static void
take_answer(struct link *l)
{
    zmq_msg_t m;
    struct msg answer;
    bool wanted = false;
    zmq_msg_init(&m);
    if (zmq_msg_recv(&m, l->daemon, ZMQ_DONTWAIT) >= 0 &&
        !msg_read(NULL, &answer, zmq_msg_data(&m), zmq_msg_size(&m))) {
        if (msg_reply_error(NULL, &answer) == MOE_EDENIED)
            wanted = true;
        else
            msg_get_bool(NULL, &answer.params, "stop", &wanted, MSG_OPTIONAL);
        msg_free(&answer);
    }
    zmq_msg_close(&m);
    if (wanted)
        link_stop();
}

/* The link's thread: until the job's side closes with an empty message. */
static void *
talk(void *arg)
{
    struct link *l = arg;
    void *news = zmq_socket(l->zmq, ZMQ_PAIR);
    bool open = news && zmq_connect(news, PAIR) == 0;
    double due = 0;
    while (open) {
        zmq_pollitem_t items[] = {{news, 0, ZMQ_POLLIN, 0},
                                  {l->daemon, 0, ZMQ_POLLIN, 0}};
        zmq_msg_t m;
        zmq_poll(items, 2, 500);
        if (items[1].revents & ZMQ_POLLIN)
            take_answer(l);
        zmq_msg_init(&m);
        while (open && zmq_msg_recv(&m, news, ZMQ_DONTWAIT) >= 0) {
            open = zmq_msg_size(&m) > 0;
            if (open)
                zmq_send(l->daemon, zmq_msg_data(&m), zmq_msg_size(&m),
                         ZMQ_DONTWAIT);
        }
        zmq_msg_close(&m);
        if (open && clock_seconds() >= due) {
            send_register(l, false);
            due = clock_seconds() + 1;
        }
    }
    if (news)
        zmq_close(news);
    return NULL;
}

static int
open_sockets(struct moe_err *err, struct link *l)
{
    const int linger = 200, hwm = 1000, one = 1, wait_ms = 1000;
    l->zmq = zmq_ctx_new();
    l->daemon = l->zmq ? zmq_socket(l->zmq, ZMQ_DEALER) : NULL;
    l->job = l->zmq ? zmq_socket(l->zmq, ZMQ_PAIR) : NULL;
    if (!l->daemon || !l->job ||
        zmq_setsockopt(l->daemon, ZMQ_LINGER, &linger, sizeof linger) ||
        zmq_setsockopt(l->daemon, ZMQ_SNDHWM, &hwm, sizeof hwm) ||
        zmq_setsockopt(l->daemon, ZMQ_SNDTIMEO, &wait_ms, sizeof wait_ms) ||
        zmq_setsockopt(l->daemon, ZMQ_IMMEDIATE, &one, sizeof one) ||
        zmq_setsockopt(l->job, ZMQ_LINGER, &linger, sizeof linger) ||
        zmq_connect(l->daemon, l->where.worker) || zmq_bind(l->job, PAIR))
        return moe_fail(err, MOE_EIO, "%s: %s", l->where.worker,
                        zmq_strerror(zmq_errno()));
    return MOE_OK;
}

/* ".../attempts/JOB-NUMBER" names the job. */
static int
read_attempt(struct moe_err *err, struct link *l, const char *dir)
{
    size_t n;
    const char *base = strrchr(dir, '/');
    char *path = str_path(dir, "token");
    int rc = path ? fs_read(err, &l->token, &n, path, 64)
                  : moe_fail(err, MOE_ENOMEM, "worker: out of memory");
    free(path);
    l->number = base ? strtoll(base + 1, NULL, 10) : 0;
    if (!rc && l->number <= 0)
        rc = moe_fail(err, MOE_EINVAL, "%s: no attempt's directory", dir);
    return rc;
}

int
link_open(struct moe_err *err, struct link **out, const char *state_dir,
          const char *attempt_dir, struct job_spec *spec, char **out_dir)
{
    struct link *l = calloc(1, sizeof *l);
    if (!(*out = l))
        return moe_fail(err, MOE_ENOMEM, "worker: out of memory");
    int rc = endpoint_find(err, &l->where, state_dir);
    if (!rc)
        rc = read_attempt(err, l, attempt_dir);
    if (!rc)
        rc = open_sockets(err, l);
    if (!rc)
        rc = fetch_spec(err, l, spec, out_dir);
    if (!rc && pthread_create(&l->thread, NULL, talk, l) != 0)
        rc = moe_fail(err, MOE_ENOMEM, "worker: cannot make a thread");
    l->running = !rc;
    return rc;
}

void
link_close(struct link **lp)
{
    struct link *l = *lp;
    if (!l)
        return;
    if (l->running) {
        zmq_send(l->job, "", 0, 0);
        pthread_join(l->thread, NULL);
    }
    if (l->daemon)
        zmq_close(l->daemon);
    if (l->job)
        zmq_close(l->job);
    if (l->zmq)
        zmq_ctx_term(l->zmq);
    endpoint_free(&l->where);
    free(l->token);
    free(l);
    *lp = NULL;
}

static void
begin_news(struct link *l, struct msg_writer *w, const char *method)
{
    msg_note(w, method);
    msg_put_int(w, "job", l->number);
    msg_put_str(w, "token", l->token);
    msg_open_map(w, "data");
}

static void
send_news(struct link *l, struct msg_writer *w)
{
    if (!msg_finish(w, NULL))
        zmq_send(l->job, w->out.data, w->out.size, ZMQ_DONTWAIT);
    msg_writer_free(w);
}

/* At most ten reports a second, and the last of a phase. */
static void
on_progress(void *arg, const struct moe_progress *p)
{
    struct link *l = arg;
    struct msg_writer w;
    double now = clock_seconds();
    if (now < l->progress_at && p->done != p->total)
        return;
    l->progress_at = now + 0.1;
    begin_news(l, &w, "progress");
    msg_put_str(&w, "phase", p->phase ? p->phase : "");
    msg_put_str(&w, "item", p->item ? p->item : "");
    msg_put_str(&w, "unit", p->unit ? p->unit : "");
    msg_put_int(&w, "done", (int64_t)p->done);
    msg_put_int(&w, "total", (int64_t)p->total);
    msg_put_real(&w, "rate", p->rate);
    msg_put_real(&w, "elapsed_s", p->elapsed_s);
    if (p->eta_s >= 0)
        msg_put_real(&w, "eta_s", p->eta_s);
    send_news(l, &w);
}

static void
on_log(void *arg, enum moe_log_level level, const char *line)
{
    static const char *const words[] = {"error", "warn", "info", "debug"};
    struct link *l = arg;
    struct msg_writer w;
    if (level > MOE_LOG_INFO)
        return;
    begin_news(l, &w, "log");
    msg_put_str(&w, "level", words[level]);
    msg_put_str(&w, "line", line);
    send_news(l, &w);
}

static void
on_metric(void *arg, const char *json)
{
    struct link *l = arg;
    struct msg_writer w;
    begin_news(l, &w, "metric");
    msg_put_str(&w, "json", json);
    send_news(l, &w);
}

static bool
on_stopping(void *arg)
{
    (void)arg;
    return stop;
}

struct job_sink
link_sink(struct link *link)
{
    return (struct job_sink){on_progress, on_log, on_metric, on_stopping, link};
}
