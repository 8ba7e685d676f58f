/*
 * source_file.c - one file of training data: ids that are mapped, or a text
 * that was encoded.
 */
#include "config.h"

#include "data/source_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "data/suffix.h"

static bool
holds_ids(const char *path)
{
    return suffix_is(path, ".npy") || suffix_is(path, ".u16") ||
           suffix_is(path, ".u32");
}

static void
warn(const struct source_options *opt, const char *path, int32_t last)
{
    char *line = opt->warn ? str_format("%s: the last id is %" PRId32
                                        ", documents should end with %" PRId64,
                                        path, last, opt->eos)
                           : NULL;
    if (line)
        opt->warn(opt->warn_arg, line);
    free(line);
}

/* Recorded batches are no documents: nothing ends there. */
static int
check_end(struct moe_err *err, const struct source_file *f, const char *path,
          const struct source_options *opt)
{
    int32_t last;
    if (opt->eos < 0 || !f->tokens || opt->order == SOURCE_FILE)
        return MOE_OK;
    int rc = shard_read(err, &f->shard, f->tokens - 1, 1, &last);
    if (!rc && last != opt->eos)
        warn(opt, path, last);
    return rc;
}

static int
check_ids(struct moe_err *err, const struct moe_ids *ids, const char *path,
          uint64_t line, size_t from, int64_t V)
{
    for (size_t i = from; i < ids->n; i++)
        if (ids->id[i] < 0 || ids->id[i] >= V)
            return moe_fail(err, MOE_EFORMAT,
                            "%s:%" PRIu64 ": id %" PRId32
                            " of the tokenizer, the vocabulary has %" PRId64,
                            path, line, ids->id[i], V);
    return MOE_OK;
}

static int
add_document(struct moe_err *err, struct moe_ids *ids, const char *path,
             const struct text_document *doc, const struct source_options *opt)
{
    const size_t from = ids->n;
    int rc =
        moe_tokenizer_encode(err, opt->tokenizer, ids, doc->text, doc->n, NULL);
    if (rc)
        return rc;
    int32_t *grown = mem_grow(ids->id, &ids->cap, ids->n + 1, sizeof *ids->id);
    if (!grown)
        return moe_fail(err, MOE_ENOMEM, "%s: no memory for %zu ids", path,
                        ids->n);
    ids->id = grown;
    ids->id[ids->n++] = (int32_t)opt->eos;
    return check_ids(err, ids, path, doc->line, from, opt->V);
}

static int
read_text(struct moe_err *err, struct moe_ids *ids, const char *path,
          const struct source_options *opt)
{
    const struct text_options text = {.documents =
                                          (enum text_documents)opt->documents};
    struct text_reader *r;
    struct text_document doc;
    if (!opt->tokenizer)
        return moe_fail(err, MOE_EINVAL, "%s: a text, and no tokenizer", path);
    if (opt->eos < 0)
        return moe_fail(err, MOE_EINVAL,
                        "%s: a text, and no id given that ends a document",
                        path);
    int rc = text_open(err, &r, path, &text);
    if (rc)
        return rc;
    while ((rc = text_next(err, r, &doc)) > 0)
        if ((rc = add_document(err, ids, path, &doc, opt)) < 0)
            break;
    text_close(&r);
    return rc;
}

int
source_file_open(struct moe_err *err, struct source_file *f, const char *path,
                 const struct source_options *opt)
{
    int rc;
    *f = (struct source_file){0};
    if (holds_ids(path)) {
        rc = shard_open(err, &f->shard, path, opt->V, 0);
        f->tokens = f->shard.tokens;
        if (!rc)
            rc = check_end(err, f, path, opt);
    } else {
        rc = read_text(err, &f->ids, path, opt);
        f->tokens = f->ids.n;
    }
    if (rc)
        source_file_close(f);
    return rc;
}

void
source_file_close(struct source_file *f)
{
    if (f->shard.path)
        shard_close(&f->shard);
    moe_ids_free(&f->ids);
    *f = (struct source_file){0};
}

int
source_file_read(struct moe_err *err, const struct source_file *f, uint64_t w,
                 int64_t T, int32_t *out)
{
    const uint64_t at = w * (uint64_t)T;
    if (f->shard.path)
        return shard_read(err, &f->shard, at, (size_t)T, out);
    memcpy(out, f->ids.id + at, (size_t)T * sizeof *out);
    return MOE_OK;
}
