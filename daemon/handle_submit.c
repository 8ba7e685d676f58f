/*
 * handle_submit.c - take jobs in, all of them or none, once.
 */
#include "config.h"

#include "daemon/daemon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "job/field.h"

struct batch {
    struct daemon *d;
    struct job_spec *spec;
    int64_t *id;
    size_t n; // stored so far
};

enum proto_error
request_begin(struct moe_err *err, struct daemon *d, const struct request *r,
              char *id, const msgpack_object_array **jobs)
{
    const msgpack_object *list;
    sqlite3_stmt *rows;
    enum proto_error rc = PROTO_OK;
    *jobs = NULL;
    if (msg_get_str(err, &r->msg->params, "request_id", id,
                    PROTO_REQUEST_ID + 1, MSG_REQUIRED) ||
        msg_get_list(err, &r->msg->params, "jobs", &list, MSG_REQUIRED))
        return PROTO_bad_message;
    if (store_rows(err, &d->store, &rows,
                   "SELECT method, result FROM requests WHERE id=?", "s", id))
        return PROTO_storage_failed;
    if (!store_next(&d->store, rows)) {
        *jobs = &list->via.array;
    } else if (strcmp(store_text(rows, 0), r->msg->method) != 0) {
        moe_fail(err, MOE_ESTATE, "request_id: used by %s before",
                 store_text(rows, 0));
        rc = PROTO_conflict;
    } else {
        msg_writer_free(r->reply);
        msg_result_raw(r->reply, r->msg->id, sqlite3_column_blob(rows, 1),
                       (size_t)sqlite3_column_bytes(rows, 1));
    }
    sqlite3_finalize(rows);
    return rc;
}

int
request_keep(struct moe_err *err, struct daemon *d, const struct request *r,
             const char *id)
{
    /* The result map follows [1, id, nil: the head of four values, the type,
     * the id and the nil. */
    struct msg_writer head;
    int rc = msg_finish(r->reply, err);
    if (rc)
        return rc;
    msg_result_raw(&head, r->msg->id, "", 0);
    size_t skip = head.out.size;
    msg_writer_free(&head);
    return store_run(err, &d->store, "INSERT INTO requests VALUES(?,?,?,?)",
                     "ssbi", id, r->msg->method, r->reply->out.data + skip,
                     r->reply->out.size - skip, clock_wall_ms());
}

void
requests_prune(struct daemon *d)
{
    if (clock_seconds() < d->prune_at || d->no_room)
        return;
    d->prune_at = clock_seconds() + 3600;
    store_run(NULL, &d->store, "DELETE FROM requests WHERE at_ms<?", "i",
              clock_wall_ms() - d->conf.request_days * 86400000);
}

/* The job that a word of `after` means: one of this batch by name, or any by
 * number.  0: none. */
static int64_t
find_needed(const struct batch *b, const char *word)
{
    char *end;
    for (size_t i = 0; i < b->n; i++)
        if (b->spec[i].name && strcmp(b->spec[i].name, word) == 0)
            return b->id[i];
    errno = 0;
    long long number = strtoll(word, &end, 10);
    if (errno || end == word || *end || number <= 0 ||
        job_state(b->d, number) == PROTO_STATE_COUNT)
        return 0;
    return number;
}

static enum proto_error
store_needs(struct moe_err *err, struct batch *b, const struct job_spec *spec,
            int64_t id)
{
    for (size_t i = 0; i < spec->after.n; i++) {
        int64_t needed = find_needed(b, spec->after.item[i]);
        if (!needed) {
            moe_fail(err, MOE_EFORMAT, "%s: after: %s is no earlier job",
                     spec->name, spec->after.item[i]);
            return PROTO_invalid_spec;
        }
        if (store_run(err, &b->d->store, "INSERT INTO needs VALUES(?,?)", "ii",
                      id, needed))
            return PROTO_storage_failed;
    }
    return PROTO_OK;
}

static int
insert_job(struct moe_err *err, struct batch *b, const struct job_spec *spec,
           bool hold, int64_t *id)
{
    const char *word;
    const int kind = spec->kind;
    size_t n =
        job_field_word(job_field_find("kind", JOB_EVERY_KIND), kind, &word);
    char *kind_word = str_format("%.*s", (int)n, word);
    int rc = store_run(
        err, &b->d->store,
        "INSERT INTO jobs(name, kind, state, reason, priority,"
        " device, submitted_ms, time_limit_s) VALUES(?,?,?,?,?,?,?,?)",
        "ssssisii", spec->name, kind_word, hold ? "held" : "queued",
        hold ? "held by its submitter" : "waits for its turn", spec->priority,
        spec->device ? spec->device : "", clock_wall_ms(), spec->time_limit_s);
    free(kind_word);
    *id = sqlite3_last_insert_rowid(b->d->store.db);
    return rc;
}

static int
complete_job(struct moe_err *err, struct batch *b, const struct job_spec *spec,
             int64_t id, char **out)
{
    msgpack_sbuffer packed;
    msgpack_sbuffer_init(&packed);
    int rc = job_spec_pack(err, &packed, spec);
    *out = spec->out ? str_copy(spec->out)
                     : str_format("%s/jobs/%lld", b->d->where.state_dir,
                                  (long long)id);
    if (!rc && !*out)
        rc = moe_fail(err, MOE_ENOMEM, "submit: out of memory");
    if (!rc)
        rc = store_run(err, &b->d->store,
                       "UPDATE jobs SET out=?, spec=? WHERE id=?", "sbi", *out,
                       packed.data, packed.size, id);
    msgpack_sbuffer_destroy(&packed);
    return rc;
}

/* Paths must stand on their own: the daemon has no working directory of the
 * client's. */
static enum proto_error
check_spec(struct moe_err *err, const struct job_spec *spec)
{
    if ((spec->out && spec->out[0] != '/') ||
        (spec->model && spec->model[0] != '/') || spec->data.directory) {
        moe_fail(err, MOE_EFORMAT, "%s: paths are not resolved", spec->name);
        return PROTO_invalid_spec;
    }
    return PROTO_OK;
}

static enum proto_error
store_jobs(struct moe_err *err, struct batch *b, const struct request *r,
           const msgpack_object_array *list, bool hold)
{
    char *out = NULL;
    enum proto_error rc = PROTO_OK;
    msg_open_list(r->reply, "outs");
    for (uint32_t i = 0; !rc && i < list->size; i++, b->n++) {
        struct job_spec *spec = &b->spec[i];
        if (job_spec_unpack(err, spec, &list->ptr[i]))
            rc = PROTO_invalid_spec;
        if (!rc)
            rc = check_spec(err, spec);
        if (!rc && insert_job(err, b, spec, hold, &b->id[i]))
            rc = PROTO_storage_failed;
        if (!rc)
            rc = store_needs(err, b, spec, b->id[i]);
        if (!rc && complete_job(err, b, spec, b->id[i], &out))
            rc = PROTO_storage_failed;
        if (!rc)
            msg_put_str(r->reply, NULL, out);
        free(out);
        out = NULL;
    }
    msg_close(r->reply);
    return rc;
}

static enum proto_error
store_batch(struct moe_err *err, struct batch *b, const struct request *r,
            const msgpack_object_array *list, const char *request)
{
    bool hold = false;
    struct daemon *d = b->d;
    if (msg_get_bool(err, &r->msg->params, "hold", &hold, MSG_OPTIONAL))
        return PROTO_bad_message;
    if (store_begin(err, &d->store))
        return PROTO_storage_failed;
    enum proto_error rc = store_jobs(err, b, r, list, hold);
    if (rc)
        return rc;
    msg_open_list(r->reply, "ids");
    for (size_t i = 0; i < b->n; i++)
        msg_put_int(r->reply, NULL, b->id[i]);
    msg_close(r->reply);
    for (size_t i = 0; i < b->n; i++)
        if (job_set_state(
                err, d, b->id[i], hold ? PROTO_STATE_held : PROTO_STATE_queued,
                hold ? "held by its submitter" : "waits for its turn"))
            return PROTO_storage_failed;
    if (request_keep(err, d, r, request) || store_commit(err, &d->store))
        return PROTO_storage_failed;
    d->schedule = true;
    return PROTO_OK;
}

enum proto_error
handle_submit(struct moe_err *err, struct daemon *d, const struct request *r)
{
    char id[PROTO_REQUEST_ID + 1];
    const msgpack_object_array *jobs;
    enum proto_error rc = request_begin(err, d, r, id, &jobs);
    if (rc || !jobs)
        return rc;
    const size_t n = jobs->size;
    if (d->ending || n == 0 ||
        store_number(&d->store,
                     "SELECT count(*) FROM jobs WHERE ended_ms IS NULL", 0, 0) +
                (int64_t)n >
            d->conf.jobs_open) {
        moe_fail(err, MOE_EREFUSED, "submit: %s",
                 d->ending ? "the daemon is shutting down"
                 : n       ? "the queue is full"
                           : "no jobs");
        return d->ending ? PROTO_draining : n ? PROTO_quota : PROTO_bad_message;
    }
    if (!room_check(d)) {
        moe_fail(err, MOE_ESTORAGE,
                 "submit: %s: less than %lld MiB free on the disk",
                 d->where.state_dir, (long long)d->conf.min_free_mib);
        return PROTO_storage_full;
    }
    struct batch b = {d, mem_zero(n, sizeof *b.spec), mem_zero(n, sizeof *b.id),
                      0};
    rc = b.spec && b.id ? store_batch(err, &b, r, jobs, id) : PROTO_internal;
    for (size_t i = 0; b.spec && i < n; i++)
        job_spec_free(&b.spec[i]);
    free(b.spec);
    free(b.id);
    return rc;
}
