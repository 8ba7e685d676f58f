/*
 * text.c - the documents of a text file, one at a time.
 */
#include "data/text.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "data/stream.h"
#include "data/suffix.h"

enum { BUFFER = 1 << 16 };

struct text_reader {
    char *path;
    struct stream stream;
    struct text_options opt;
    bool json;
    struct text_counts counts;
    char buffer[BUFFER];
    size_t n, at;       // of buffer
    uint64_t lines;     // read so far
    struct str line;    // the last line, repaired, without its end
    struct str doc;     // a document of several lines
    struct str scratch; // for repair
    json_t *object;     // the last JSON line
};

static const char *const endings[] = {".txt",   ".txt.gz",   ".txt.zst",
                                      ".jsonl", ".jsonl.gz", ".jsonl.zst"};

bool
text_is_name(const char *path)
{
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (suffix_is(path, endings[i]))
            return true;
    return false;
}

int
text_open(struct moe_err *err, struct text_reader **out, const char *path,
          const struct text_options *opt)
{
    *out = NULL;
    if (!text_is_name(path))
        return moe_fail(err, MOE_EFORMAT,
                        "%s: name ends in none of .txt and .jsonl, alone or "
                        "with .gz or .zst",
                        path);
    struct text_reader *r = mem_zero(1, sizeof *r);
    if (!r || !(r->path = str_copy(path))) {
        free(r);
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    }
    r->opt = opt ? *opt : (struct text_options){0};
    if (!r->opt.limit)
        r->opt.limit = TEXT_LIMIT;
    r->json = suffix_is(path, ".jsonl") || suffix_is(path, ".jsonl.gz") ||
              suffix_is(path, ".jsonl.zst");
    int rc = stream_open(err, &r->stream, r->path);
    if (rc)
        text_close(&r);
    *out = r;
    return rc;
}

void
text_close(struct text_reader **rp)
{
    struct text_reader *r = *rp;
    if (!r)
        return;
    stream_close(&r->stream);
    json_decref(r->object);
    str_free(&r->line);
    str_free(&r->doc);
    str_free(&r->scratch);
    free(r->path);
    free(r);
    *rp = NULL;
}

const struct text_counts *
text_counts(const struct text_reader *r)
{
    return &r->counts;
}

uint64_t
text_position(const struct text_reader *r)
{
    return r->stream.consumed;
}

static int
check_size(struct moe_err *err, const struct text_reader *r, size_t n)
{
    return n <= r->opt.limit
               ? MOE_OK
               : moe_fail(err, MOE_EFORMAT,
                          "%s:%llu: line or document of more than %zu bytes",
                          r->path, (unsigned long long)r->lines + 1,
                          r->opt.limit);
}

/* Bytes up to and with the next LF, or the rest: 1, 0 at the end, a code. */
static int
read_raw(struct moe_err *err, struct text_reader *r)
{
    str_clear(&r->line);
    for (;;) {
        if (r->at == r->n) {
            int rc = stream_read(err, &r->stream, r->buffer, BUFFER, &r->n);
            r->at = 0;
            if (rc)
                return rc;
            if (!r->n)
                return r->line.n > 0;
        }
        const char *from = r->buffer + r->at;
        const char *end = memchr(from, '\n', r->n - r->at);
        size_t n = end ? (size_t)(end - from) + 1 : r->n - r->at;
        int rc = check_size(err, r, r->line.n + n);
        if (rc)
            return rc;
        str_add(&r->line, from, n);
        r->at += n;
        if (r->line.failed)
            return moe_fail(err, MOE_ENOMEM, "%s:%llu: out of memory", r->path,
                            (unsigned long long)r->lines + 1);
        if (end)
            return 1;
    }
}

/* Cut n bytes from the front of the line. */
static void
drop_front(struct str *line, size_t n)
{
    memmove(line->s, line->s + n, line->n - n + 1);
    line->n -= n;
}

static void
cut_to(struct str *line, size_t n)
{
    line->n = n;
    line->s[n] = '\0';
}

/* The next line, clean, without its end; *ended says that it had one. */
static int
read_line(struct moe_err *err, struct text_reader *r, bool *ended)
{
    struct str *line = &r->line;
    int rc = read_raw(err, r);
    if (rc <= 0)
        return rc;
    r->lines++;
    *ended = line->s[line->n - 1] == '\n';
    if (*ended)
        cut_to(line, line->n - 1);
    if (*ended && line->n && line->s[line->n - 1] == '\r') {
        cut_to(line, line->n - 1);
        r->counts.crlf++;
    }
    if (r->lines == 1 && line->n >= 3 &&
        memcmp(line->s, "\xef\xbb\xbf", 3) == 0) {
        drop_front(line, 3);
        r->counts.bom++;
    }
    if (utf8_prefix(line->s, line->n) < line->n) {
        str_clear(&r->scratch);
        r->counts.replaced += utf8_repair(&r->scratch, line->s, line->n);
        struct str swap = *line;
        *line = r->scratch;
        r->scratch = swap;
        if (line->failed)
            return moe_fail(err, MOE_ENOMEM, "%s: out of memory", r->path);
    }
    return 1;
}

static bool
is_blank(const struct str *line)
{
    return strspn(line->s, " \t\r") == line->n;
}

/* Give a text out, or pass over an empty one: 1 or 0. */
static int
give(struct text_reader *r, struct text_document *doc, const char *text,
     size_t n, uint64_t line)
{
    if (!n) {
        r->counts.empty++;
        return 0;
    }
    *doc = (struct text_document){.text = text, .n = n, .line = line};
    r->counts.documents++;
    r->counts.bytes += n;
    return 1;
}

static int
next_line(struct moe_err *err, struct text_reader *r, struct text_document *doc)
{
    bool ended;
    int rc;
    while ((rc = read_line(err, r, &ended)) > 0)
        if (give(r, doc, r->line.s, r->line.n, r->lines))
            return 1;
    return rc;
}

/* Append the last line to the document. */
static int
append_line(struct moe_err *err, struct text_reader *r, bool feed)
{
    str_add(&r->doc, r->line.s, r->line.n);
    if (feed)
        str_add(&r->doc, "\n", 1);
    if (r->doc.failed)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", r->path);
    return check_size(err, r, r->doc.n);
}

static int
next_block(struct moe_err *err, struct text_reader *r,
           struct text_document *doc)
{
    bool ended;
    uint64_t first = 0;
    int rc;
    str_clear(&r->doc);
    while ((rc = read_line(err, r, &ended)) > 0) {
        if (is_blank(&r->line)) {
            if (first)
                break;
            continue;
        }
        if (!first)
            first = r->lines;
        if ((rc = append_line(err, r, true)) < 0)
            return rc;
    }
    if (rc < 0 || !first)
        return rc < 0 ? rc : 0;
    cut_to(&r->doc, r->doc.n - 1); // the line feed after the last line
    return give(r, doc, r->doc.s, r->doc.n, first);
}

static int
next_file(struct moe_err *err, struct text_reader *r, struct text_document *doc)
{
    bool ended;
    int rc;
    if (r->lines || r->counts.empty) // given out, or found empty
        return 0;
    str_clear(&r->doc);
    while ((rc = read_line(err, r, &ended)) > 0)
        if ((rc = append_line(err, r, ended)) < 0)
            return rc;
    return rc < 0 ? rc : give(r, doc, r->doc.s, r->doc.n, 1);
}

/* The JSON object of the last line, kept until the next. */
static int
parse_line(struct moe_err *err, struct text_reader *r)
{
    json_error_t e;
    json_decref(r->object);
    r->object = json_loadb(r->line.s, r->line.n,
                           JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);
    if (!r->object)
        return moe_fail(err, MOE_EFORMAT, "%s:%llu: %s", r->path,
                        (unsigned long long)r->lines, e.text);
    if (!json_is_string(json_object_get(r->object, "text")))
        return moe_fail(err, MOE_EFORMAT, "%s:%llu: no string under 'text'",
                        r->path, (unsigned long long)r->lines);
    return MOE_OK;
}

static int
next_json(struct moe_err *err, struct text_reader *r, struct text_document *doc)
{
    bool ended;
    int rc;
    while ((rc = read_line(err, r, &ended)) > 0) {
        if (is_blank(&r->line))
            continue;
        if ((rc = parse_line(err, r)) < 0)
            return rc;
        const json_t *text = json_object_get(r->object, "text");
        if (!give(r, doc, json_string_value(text), json_string_length(text),
                  r->lines))
            continue;
        doc->id = json_string_value(json_object_get(r->object, "id"));
        doc->object = r->object;
        return 1;
    }
    return rc;
}

int
text_next(struct moe_err *err, struct text_reader *r, struct text_document *doc)
{
    if (r->json)
        return next_json(err, r, doc);
    switch (r->opt.documents) {
    case TEXT_BLANK:
        return next_block(err, r, doc);
    case TEXT_FILE:
        return next_file(err, r, doc);
    default:
        return next_line(err, r, doc);
    }
}
