/*
 * stream_log.c - the lines of a job's log as events, by offset in the file.
 */
#include "config.h"

#include "daemon/daemon.h"

#include <string.h>

#include "base/clock.h"

/* Split "TIME LEVEL TEXT" in place; a line of another form is all text. */
static const char *
split_line(char *line, const char **level)
{
    static const char *const words[] = {"error", "warn", "info", "debug"};
    char *word = strchr(line, ' ');
    char *text = word ? strchr(word + 1, ' ') : NULL;
    *level = "info";
    if (!text)
        return line;
    size_t n = (size_t)(text - word - 1);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == n && memcmp(words[i], word + 1, n) == 0) {
            *level = words[i];
            return text + 1;
        }
    return line;
}

static bool
send_line(struct daemon *d, struct stream *s, char *line, int64_t next)
{
    struct msg_writer w;
    const char *level, *text = split_line(line, &level);
    int64_t seq = event_next_seq(d);
    if (!seq)
        return false;
    stream_event(&w, s, seq, s->job, "log", clock_wall_ms());
    msg_open_map(&w, "data");
    msg_put_str(&w, "level", level);
    msg_put_str(&w, "line", text);
    msg_put_int(&w, "next", next);
    msg_close(&w);
    if (!stream_send(d, s, &w))
        return false;
    s->seq = seq;
    s->log_next = next;
    return true;
}

bool
stream_send_log(struct daemon *d, struct stream *s, bool ended)
{
    static const size_t cap = PROTO_LOG_CHUNK / 2;
    char buf[PROTO_LOG_CHUNK / 2 + 1];
    int64_t size;
    size_t n = file_piece(s->log_path, s->log_next, buf, cap, &size);
    if (size < s->log_next) { // begun anew
        s->log_next = 0;
        return false;
    }
    bool all = s->log_next + (int64_t)n >= size;
    for (size_t at = 0; at < n;) {
        char *end = memchr(buf + at, '\n', n - at);
        size_t length = end ? (size_t)(end - buf) - at : n - at;
        /* A line without an end is still being written, unless it fills the
         * buffer or nobody writes any more. */
        if (!end && !(ended && all) && (at > 0 || n < cap))
            return !ended && all;
        buf[at + length] = '\0';
        size_t step = length + (end ? 1 : 0);
        if (!send_line(d, s, buf + at, s->log_next + (int64_t)step))
            return false;
        at += step;
    }
    return all;
}
