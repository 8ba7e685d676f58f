/*
 * verb_log.c - polymoe log: what a job wrote to its log.
 *
 * The log is read by offset in pieces that end with a line, so that a
 * character is never cut in two.
 */
#include "config.h"

#include "client/client.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/options.h"
#include "base/str.h"
#include "client/interrupt.h"
#include "client/queue.h"
#include "client/text.h"

struct log_options {
    int64_t lines;
    bool follow;
};

static const struct option_row rows[] = {
    {'f', "follow", NULL, "go on until the job has ended", OPTION_FLAG,
     offsetof(struct log_options, follow), 0, 0},
    {'n', "lines", "N", "only the last N lines", OPTION_INT,
     offsetof(struct log_options, lines), 1, 1000000},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};

struct piece {
    char *text;
    int64_t next, size;
};

static int
read_piece(struct moe_err *err, struct conn *conn, int64_t id, int64_t offset,
           struct piece *out)
{
    struct msg_writer w;
    json_t *result;
    *out = (struct piece){0};
    conn_request(conn, &w, "log", false);
    msg_put_int(&w, "job", id);
    msg_put_int(&w, "offset", offset);
    int rc = conn_call(err, conn, &w, &result);
    if (rc)
        return rc;
    out->text = str_copy(queue_text(result, "data"));
    out->next = queue_int(result, "next");
    out->size = queue_int(result, "size");
    json_decref(result);
    if (!out->text)
        return moe_fail(err, MOE_ENOMEM, "log: out of memory");
    /* Same length: no byte was replaced, so a line's end can be found. */
    char *end = strrchr(out->text, '\n');
    if (end && end[1] && (int64_t)strlen(out->text) == out->next - offset) {
        out->next -= (int64_t)strlen(end + 1);
        end[1] = '\0';
    }
    return MOE_OK;
}

/* Everything from `offset` to the present end. */
static int
read_rest(struct moe_err *err, struct conn *conn, int64_t id, int64_t *offset,
          struct str *out)
{
    struct piece p = {.next = *offset, .size = INT64_MAX};
    int rc = MOE_OK;
    while (!rc && p.next < p.size) {
        int64_t before = p.next;
        rc = read_piece(err, conn, id, before, &p);
        if (!rc)
            str_puts(out, p.text);
        free(p.text);
        if (!rc)
            *offset = p.next;
        if (p.next == before)
            break;
    }
    return !rc && out->failed ? moe_fail(err, MOE_ENOMEM, "log: out of memory")
                              : rc;
}

/* The start of the last n lines. */
static const char *
last_lines(const char *text, int64_t n)
{
    const char *p = text + strlen(text);
    if (p > text && p[-1] == '\n')
        p--;
    for (; p > text; p--)
        if (p[-1] == '\n' && --n == 0)
            break;
    return p;
}

/* A terminal gets clean lines, a pipe the bytes. */
static void
put_lines(const char *text)
{
    bool terminal = isatty(STDOUT_FILENO);
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "\n");
        char *line = terminal ? str_format("%.*s", (int)n, p) : NULL;
        char *clean = line ? text_clean(line) : NULL;
        if (clean)
            puts(clean);
        else
            fwrite(p, 1, n + (p[n] == '\n'), stdout);
        free(clean);
        free(line);
        p += n + (p[n] == '\n');
    }
    fflush(stdout);
}

static int
has_ended(struct moe_err *err, struct conn *conn, int64_t id, bool *ended)
{
    json_t *result = NULL;
    int rc = queue_ask(err, conn, "show", id, &result);
    *ended = !rc && queue_ended(json_object_get(result, "job"));
    json_decref(result);
    return rc;
}

static int
print_log(struct moe_err *err, struct conn *conn, int64_t id,
          const struct log_options *opt)
{
    int64_t offset = 0;
    bool ended = !opt->follow, first = true;
    for (;;) {
        struct str text = {0};
        bool last = ended;
        int rc = read_rest(err, conn, id, &offset, &text);
        if (!rc && text.s)
            put_lines(first && opt->lines ? last_lines(text.s, opt->lines)
                                          : text.s);
        str_free(&text);
        first = false;
        if (rc || last)
            return rc;
        /* Once more after the end, for what came in between. */
        if ((rc = has_ended(err, conn, id, &ended)))
            return rc;
        if (!ended)
            nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
        if (interrupt_seen())
            return moe_fail(err, MOE_ECANCEL, "interrupted; the job goes on");
    }
}

int
verb_log(int argc, char **argv)
{
    static const struct option_set set = {"polymoe log", "[OPTION...] JOB",
                                          "Print what a job wrote to its log.",
                                          rows, NULL};
    struct log_options opt = {0};
    struct moe_err err = {0};
    struct conn *conn = NULL;
    int64_t id;
    int rc = queue_one_job(&set, &opt, argc, argv, &id);
    if (rc != OPTIONS_GO_ON)
        return rc;
    if (opt.follow)
        interrupt_catch();
    rc = conn_open(&err, &conn);
    if (!rc)
        rc = print_log(&err, conn, id, &opt);
    conn_close(&conn);
    return rc ? verb_fail("log", &err) : 0;
}
