/*
 * prepare.c - the documents of languages, split and mixed.
 */
#include "config.h"

#include "data/prepare.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/str.h"
#include "data/prepare_state.h"

struct job {
    const struct prepare_options *opt;
    struct prepare_reader *reader;
    size_t n;
    struct rotate mixture;
    const char *ended_by; // the language that ended a mixture, or NULL
    struct moe_ids ids;
};

/* ---- One language ------------------------------------------------------- */

/* The first documents, held out, and a look at what follows. */
static int
hold_out(struct moe_err *err, struct job *job, struct prepare_reader *r)
{
    char *stem = str_format("%s_test", r->name);
    if (!stem)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", r->name);
    rotate_begin(&r->held, job->opt->dir, stem, 0, true);
    uint64_t n = 0;
    int rc = prepare_advance(err, r, job->opt);
    for (; !rc && r->has && n < job->opt->held_out; n++) {
        rc = prepare_write(err, &r->held, r, n);
        if (!rc)
            rc = prepare_advance(err, r, job->opt);
    }
    if (!rc && !r->has)
        rc = moe_fail(err, MOE_EINPUT,
                      "%s: %" PRIu64 " documents, the first %" PRIu64
                      " are held out: none is left to train on",
                      r->name, n, job->opt->held_out);
    if (!rc)
        rc = rotate_finish(err, &r->held);
    free(stem);
    return rc;
}

static int
write_train(struct moe_err *err, struct job *job, struct prepare_reader *r)
{
    const uint64_t limit = job->opt->limit;
    char *stem = str_format("%s_train", r->name);
    if (!stem)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", r->name);
    rotate_begin(&r->out, job->opt->dir, stem, job->opt->rotate, false);
    int rc = MOE_OK;
    while (!rc && r->has && (!limit || r->train < limit)) {
        rc = prepare_write(err, &r->out, r, r->train++);
        if (!rc)
            rc = prepare_advance(err, r, job->opt);
    }
    if (!rc)
        rc = rotate_finish(err, &r->out);
    free(stem);
    return rc;
}

/* ---- A mixture ---------------------------------------------------------- */

static int
take(struct moe_err *err, struct job *job, struct prepare_reader *r)
{
    int rc = prepare_write(err, &job->mixture, r, rotate_lines(&job->mixture));
    if (!rc && job->opt->mix == PREPARE_TOKENS) {
        job->ids.n = 0;
        rc = moe_tokenizer_encode(err, job->opt->tokenizer, &job->ids,
                                  r->doc.text, r->doc.n, NULL);
        r->tokens += job->ids.n + 1; // the end of the text is one too
    }
    r->train++;
    return rc ? rc : prepare_advance(err, r, job->opt);
}

/* Has a language its part already, or nothing to give?  The latter ends it. */
static bool
is_over(struct job *job, const struct prepare_reader *r)
{
    const uint64_t part =
        job->opt->mix == PREPARE_TOKENS ? r->tokens : r->train;
    if (job->opt->limit && part >= job->opt->limit)
        return true;
    if (!r->has)
        job->ended_by = r->name;
    return !r->has;
}

static int
mix_documents(struct moe_err *err, struct job *job)
{
    for (;;) {
        int rc = MOE_OK;
        for (size_t i = 0; i < job->n; i++)
            if (is_over(job, &job->reader[i]))
                return MOE_OK;
        for (size_t i = 0; !rc && i < job->n; i++)
            rc = take(err, job, &job->reader[i]);
        if (rc)
            return rc;
    }
}

static int
mix_tokens(struct moe_err *err, struct job *job)
{
    int rc = MOE_OK;
    while (!rc) {
        struct prepare_reader *least = &job->reader[0];
        for (size_t i = 1; i < job->n; i++)
            if (job->reader[i].tokens < least->tokens)
                least = &job->reader[i];
        if (is_over(job, least))
            break;
        rc = take(err, job, least);
    }
    return rc;
}

static int
mix(struct moe_err *err, struct job *job)
{
    rotate_begin(&job->mixture, job->opt->dir, "multilang_train",
                 job->opt->rotate, false);
    int rc = job->opt->mix == PREPARE_TOKENS ? mix_tokens(err, job)
                                             : mix_documents(err, job);
    return rc ? rc : rotate_finish(err, &job->mixture);
}

/* ---- All ---------------------------------------------------------------- */

static json_t *
list_languages(const struct job *job)
{
    json_t *list = json_array();
    for (size_t i = 0; i < job->n; i++) {
        const struct prepare_reader *r = &job->reader[i];
        json_t *row = json_pack("{s:s, s:I, s:I}", "language", r->name,
                                "held_out", (json_int_t)rotate_lines(&r->held),
                                "train", (json_int_t)r->train);
        if (job->opt->mix == PREPARE_TOKENS)
            json_object_set_new(row, "tokens",
                                json_integer((json_int_t)r->tokens));
        json_array_append_new(list, row);
    }
    return list;
}

static int
finish(struct moe_err *err, json_t **manifest, const struct job *job)
{
    static const char *const kind[] = {"split", "documents", "tokens"};
    const struct prepare_options *opt = job->opt;
    json_t *files = json_array(), *sources = json_array();
    int rc = prepare_list_sources(err, sources, job->reader, job->n);
    for (size_t i = 0; i < job->n; i++) {
        const struct prepare_reader *r = &job->reader[i];
        prepare_list_files(files, &r->held, r->name, "test");
        prepare_list_files(files, &r->out, r->name, "train");
    }
    prepare_list_files(files, &job->mixture, "multilang", "train");
    json_t *root = json_pack(
        "{s:s, s:i, s:s, s:I, s:I, s:I, s:s?, s:o, s:o, s:o}", "format",
        "polymoe-corpus", "version", 1, "kind", kind[opt->mix], "held_out",
        (json_int_t)opt->held_out, "rotate", (json_int_t)opt->rotate, "limit",
        (json_int_t)opt->limit, "ended_by", job->ended_by, "languages",
        list_languages(job), "files", files, "sources", sources);
    if (!rc)
        return prepare_end(err, manifest, root, opt);
    json_decref(root);
    return rc;
}

int
prepare_split(struct moe_err *err, json_t **manifest,
              const struct prepare_file *file, size_t n,
              const struct prepare_options *opt)
{
    struct job job = {.opt = opt};
    int rc =
        opt->mix == PREPARE_TOKENS && !opt->tokenizer
            ? moe_fail(err, MOE_EINVAL, "a mixture by tokens wants a tokenizer")
            : prepare_open(err, &job.reader, &job.n, file, n);
    if (!rc)
        rc = prepare_begin(err, opt);
    for (size_t i = 0; !rc && i < job.n; i++) {
        rc = hold_out(err, &job, &job.reader[i]);
        if (!rc && opt->mix == PREPARE_SPLIT)
            rc = write_train(err, &job, &job.reader[i]);
    }
    if (!rc && opt->mix != PREPARE_SPLIT)
        rc = mix(err, &job);
    if (!rc)
        rc = finish(err, manifest, &job);
    rotate_free(&job.mixture);
    moe_ids_free(&job.ids);
    prepare_close(&job.reader, job.n);
    return rc;
}
