/*
 * corpus.c - the tokens of one language in one piece, and where its documents
 * begin.
 */
#include "config.h"

#include "job/corpus.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/shard.h"
#include "data/suffix.h"
#include "data/text.h"

/* A language being read. */
struct reader {
    struct moe_err *err;
    struct corpus *s;
    const struct corpus_options *opt;
    const char *path;
};

bool
corpus_is_shard(const char *path)
{
    return suffix_is(path, ".u16") || suffix_is(path, ".u32") ||
           suffix_is(path, ".npy");
}

bool
corpus_has_text(const struct job_data *data)
{
    for (size_t i = 0; i < data->n; i++)
        for (size_t k = 0; k < data->language[i].files.n; k++)
            if (!corpus_is_shard(data->language[i].files.item[k]))
                return true;
    return false;
}

void
corpus_free(struct corpus *s)
{
    moe_ids_free(&s->ids);
    free(s->start);
    *s = (struct corpus){0};
}

static int
no_memory(const struct reader *r)
{
    return moe_fail(r->err, MOE_ENOMEM,
                    "%s: not enough memory for %zu "
                    "tokens",
                    r->path, r->s->ids.n);
}

static bool
is_full(const struct reader *r)
{
    return r->s->ids.n >= r->opt->limit;
}

/* The next token begins a document; an empty one leaves no trace. */
static int
begin_document(struct reader *r)
{
    struct corpus *s = r->s;
    if (s->documents && s->start[s->documents - 1] == s->ids.n)
        return MOE_OK;
    void *p =
        mem_grow(s->start, &s->start_cap, s->documents + 1, sizeof *s->start);
    if (!p)
        return no_memory(r);
    s->start = p;
    s->start[s->documents++] = s->ids.n;
    return MOE_OK;
}

/* A tokenizer that is not the model's may give ids that the model lacks. */
static int
check_ids(const struct reader *r, size_t from)
{
    for (size_t i = from; i < r->s->ids.n; i++) {
        const int32_t id = r->s->ids.id[i];
        if (id < 0 || id >= r->opt->V)
            return moe_fail(r->err, MOE_EFORMAT,
                            "%s: token %zu is %" PRId32 ", the vocabulary "
                            "of %s has %" PRId64,
                            r->path, i - from, id, r->opt->model, r->opt->V);
    }
    return MOE_OK;
}

/* What was read beyond the limit goes. */
static void
cut(struct corpus *s, size_t limit)
{
    if (s->ids.n > limit)
        s->ids.n = limit;
    while (s->documents && s->start[s->documents - 1] >= s->ids.n)
        s->documents--;
}

/* ---- Text -----------------------------------------------------------------
 */

/* A plain text file that is one document ends without an end-of-text. */
static bool
wants_eos(const struct reader *r)
{
    return r->opt->documents != JOB_DOCUMENTS_FILE ||
           suffix_is(r->path, ".jsonl") || suffix_is(r->path, ".jsonl.gz") ||
           suffix_is(r->path, ".jsonl.zst");
}

static int
add_text(struct reader *r, const struct text_document *doc)
{
    struct moe_ids *ids = &r->s->ids;
    int rc = begin_document(r);
    if (!rc)
        rc = moe_tokenizer_encode(r->err, r->opt->tokenizer, ids, doc->text,
                                  doc->n, NULL);
    if (rc || !wants_eos(r))
        return rc;
    void *p = mem_grow(ids->id, &ids->cap, ids->n + 1, sizeof *ids->id);
    if (!p)
        return no_memory(r);
    ids->id = p;
    ids->id[ids->n++] = (int32_t)r->opt->eos;
    return MOE_OK;
}

static int
read_text(struct reader *r)
{
    static const enum text_documents documents[] = {
        [JOB_DOCUMENTS_LINE] = TEXT_LINE,
        [JOB_DOCUMENTS_BLANK] = TEXT_BLANK,
        [JOB_DOCUMENTS_FILE] = TEXT_FILE};
    const struct text_options opt = {.documents = documents[r->opt->documents]};
    struct text_reader *text;
    struct text_document doc;
    if (wants_eos(r) && r->opt->eos < 0)
        return moe_fail(r->err, MOE_EINVAL,
                        "%s: no end-of-text token: config.json of %s has "
                        "none, give eos",
                        r->path, r->opt->model);
    int rc = text_open(r->err, &text, r->path, &opt);
    if (rc)
        return rc;
    while (!is_full(r) && (rc = text_next(r->err, text, &doc)) > 0)
        if ((rc = add_text(r, &doc)))
            break;
    r->s->replaced += text_counts(text)->replaced;
    text_close(&text);
    return rc < 0 ? rc : MOE_OK;
}

/* ---- Shards ---------------------------------------------------------------
 */

/* The shard's documents that begin before the limit; `from` is where its first
 * token stands in the corpus. */
static int
add_shard(struct reader *r, struct shard *shard)
{
    struct moe_ids *ids = &r->s->ids;
    const size_t from = ids->n, room = r->opt->limit - from;
    const size_t n = shard->tokens < room ? (size_t)shard->tokens : room;
    void *p = mem_grow(ids->id, &ids->cap, from + n, sizeof *ids->id);
    if (!p)
        return no_memory(r);
    ids->id = p;
    int rc = shard_read(r->err, shard, 0, n, ids->id + from);
    if (!rc)
        rc = shard_documents(r->err, shard, (int32_t)r->opt->eos);
    for (size_t i = 0; !rc && i < shard->documents; i++) {
        if (shard->document[i].start >= n)
            break;
        ids->n = from + (size_t)shard->document[i].start;
        rc = begin_document(r);
    }
    ids->n = from + n;
    return rc;
}

static int
read_shard(struct reader *r)
{
    struct shard shard;
    int rc = shard_open(r->err, &shard, r->path, r->opt->V, 0);
    if (rc)
        return rc;
    rc = add_shard(r, &shard);
    shard_close(&shard);
    return rc;
}

/* ---- All files ------------------------------------------------------------
 */

static int
read_file(struct reader *r)
{
    const size_t from = r->s->ids.n;
    int rc = begin_document(r);
    if (!rc)
        rc = corpus_is_shard(r->path) ? read_shard(r) : read_text(r);
    if (!rc && r->s->ids.n == from)
        rc = moe_fail(r->err, MOE_EFORMAT, "%s: no tokens", r->path);
    return rc ? rc : check_ids(r, from);
}

int
corpus_read(struct moe_err *err, struct corpus *out,
            const struct corpus_options *opt,
            const struct job_language *language)
{
    struct moe_err why = {0};
    struct reader r = {.err = &why, .s = out, .opt = opt};
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < language->files.n && !is_full(&r); i++) {
        r.path = language->files.item[i];
        rc = read_file(&r);
    }
    cut(out, opt->limit);
    return rc ? moe_fail(err, rc, "%s: %s", language->name, why.text) : MOE_OK;
}

size_t
corpus_segments(const struct corpus *s, struct collect_segment *segment,
                size_t at, size_t n, size_t *document)
{
    size_t count = 0, d = *document;
    const size_t end = at + n;
    for (size_t row = at; row < end; d++) {
        size_t next = d + 1 < s->documents ? s->start[d + 1] : s->ids.n;
        if (next <= row)
            continue;
        size_t stop = next < end ? next : end;
        segment[count++] = (struct collect_segment){(int64_t)(row - at),
                                                    (int64_t)(stop - at), d};
        row = stop;
        *document = d;
    }
    return count;
}
