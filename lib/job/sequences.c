/*
 * sequences.c - a text as sequences of tokens.
 */
#include "config.h"

#include "job/sequences.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/mem.h"
#include "data/suffix.h"
#include "data/text.h"

struct reader {
    struct moe_err *err;
    struct sequences *s;
    const struct sequences_options *opt;
    const char *path;
};

void
sequences_free(struct sequences *s)
{
    moe_ids_free(&s->ids);
    free(s->start);
    free(s->line);
    *s = (struct sequences){0};
}

static int
no_memory(const struct reader *r)
{
    return moe_fail(r->err, MOE_ENOMEM, "%s: not enough memory", r->path);
}

static int
check_ids(const struct reader *r, size_t from)
{
    for (size_t i = from; i < r->s->ids.n; i++)
        if (r->s->ids.id[i] < 0 || r->s->ids.id[i] >= r->opt->V)
            return moe_fail(r->err, MOE_EFORMAT,
                            "%s: token %" PRId32 ", the vocabulary of the "
                            "model has %" PRId64,
                            r->path, r->s->ids.id[i], r->opt->V);
    return MOE_OK;
}

/* The tokens from `from` on are the sequence of that line, if any. */
static int
end_sequence(struct reader *r, size_t from, size_t line)
{
    struct sequences *s = r->s;
    if (s->ids.n == from)
        return MOE_OK;
    if (s->ids.n - from > r->opt->longest) {
        s->ids.n = from + r->opt->longest;
        s->cut++;
    }
    void *p = mem_grow(s->start, &s->cap, s->n + 2, sizeof *s->start);
    if (!p)
        return no_memory(r);
    s->start = p;
    p = mem_grow(s->line, &s->line_cap, s->n + 1, sizeof *s->line);
    if (!p)
        return no_memory(r);
    s->line = p;
    s->line[s->n] = line;
    s->start[s->n++] = from;
    s->start[s->n] = s->ids.n;
    return check_ids(r, from);
}

static bool
is_full(const struct reader *r, size_t line)
{
    return r->opt->limit && line >= r->opt->limit;
}

/* Lines of the file, empty ones too. */
static int
count_lines(struct reader *r, size_t *lines)
{
    struct fs_map map;
    int rc = fs_map_open(r->err, &map, r->path);
    if (rc)
        return rc;
    *lines = 0;
    for (size_t i = 0; i < map.size; i++)
        *lines += map.data[i] == '\n';
    *lines += map.size && map.data[map.size - 1] != '\n';
    fs_map_close(&map);
    return MOE_OK;
}

/* Documents of an open file; a line's number is its place in the file. */
static int
read_documents(struct reader *r, struct text_reader *text)
{
    struct text_document doc;
    const size_t before = r->s->lines;
    size_t documents = 0;
    int rc;
    while ((rc = text_next(r->err, text, &doc)) > 0) {
        const size_t from = r->s->ids.n;
        const size_t line =
            before + (r->opt->lines ? (size_t)doc.line - 1 : documents);
        if (is_full(r, line))
            return MOE_OK;
        rc = moe_tokenizer_encode(r->err, r->opt->tokenizer, &r->s->ids,
                                  doc.text, doc.n, NULL);
        if (!rc)
            rc = end_sequence(r, from, line);
        if (rc)
            return rc;
        documents++;
    }
    r->s->lines += r->opt->lines ? 0 : documents;
    return rc;
}

static int
read_file(struct reader *r)
{
    static const enum text_documents documents[] = {
        [JOB_DOCUMENTS_LINE] = TEXT_LINE,
        [JOB_DOCUMENTS_BLANK] = TEXT_BLANK,
        [JOB_DOCUMENTS_FILE] = TEXT_FILE};
    const struct text_options opt = {
        .documents = r->opt->lines ? TEXT_LINE : documents[r->opt->documents]};
    struct text_reader *text;
    size_t lines = 0;
    if (r->opt->lines && !suffix_is(r->path, ".txt"))
        return moe_fail(r->err, MOE_EFORMAT,
                        "%s: want a .txt file, whose lines are the sentences",
                        r->path);
    int rc = r->opt->lines ? count_lines(r, &lines) : MOE_OK;
    if (!rc)
        rc = text_open(r->err, &text, r->path, &opt);
    if (rc)
        return rc;
    rc = read_documents(r, text);
    r->s->replaced += text_counts(text)->replaced;
    text_close(&text);
    r->s->lines += lines;
    return rc;
}

int
sequences_read(struct moe_err *err, struct sequences *out,
               const struct sequences_options *opt,
               const struct job_language *language)
{
    struct moe_err why = {0};
    struct reader r = {.err = &why, .s = out, .opt = opt};
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < language->files.n; i++) {
        r.path = language->files.item[i];
        rc = read_file(&r);
    }
    if (!rc && !out->n)
        rc = moe_fail(&why, MOE_EFORMAT, "%s: no tokens", r.path);
    return rc ? moe_fail(err, rc, "%s: %s", language->name, why.text) : MOE_OK;
}
