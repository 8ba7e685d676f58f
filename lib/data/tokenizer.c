/*
 * tokenizer.c - text to ids.
 */
#include "data/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

static int
read_file(struct moe_err *err, struct moe_tokenizer *t, const char *path)
{
    json_t *root;
    int rc = json_read(err, &root, path);
    if (!rc)
        rc = tokenizer_read(err, t, root, path);
    json_decref(root);
    return rc;
}

int
moe_tokenizer_load(struct moe_err *err, struct moe_tokenizer **out,
                   const char *path)
{
    *out = NULL;
    bool dir = fs_is_dir(path);
    char *inside = dir ? str_path(path, "tokenizer.json") : NULL;
    struct moe_tokenizer *t = mem_zero(1, sizeof *t);
    int rc = !t || (dir && !inside)
                 ? moe_fail(err, MOE_ENOMEM, "%s: out of memory", path)
                 : read_file(err, t, dir ? inside : path);
    free(inside);
    if (rc)
        moe_tokenizer_destroy(&t);
    *out = t;
    return rc;
}

void
moe_tokenizer_destroy(struct moe_tokenizer **tp)
{
    struct moe_tokenizer *t = *tp;
    if (!t)
        return;
    bpe_free(&t->bpe);
    vocab_free(&t->vocab);
    pretokenizer_free(&t->pre);
    nfc_free(&t->nfc);
    added_free(&t->raw);
    added_free(&t->normalized);
    free(t->special);
    free(t->added);
    free(t);
    *tp = NULL;
}

void
moe_ids_free(struct moe_ids *ids)
{
    free(ids->id);
    *ids = (struct moe_ids){0};
}

/* One call of moe_tokenizer_encode(). */
struct encoding {
    struct moe_err *err;
    struct moe_tokenizer *t;
    struct moe_ids *ids;
    enum moe_added policy;
};

static int
encode_piece(void *arg, const char *piece, size_t n)
{
    const struct encoding *e = arg;
    return bpe_encode(e->err, &e->t->bpe, e->ids, piece, n);
}

static int
encode_normalized(struct encoding *e, const char *text, size_t n)
{
    struct added_walk walk;
    struct added_span span;
    int rc = MOE_OK;
    added_begin(&walk, &e->t->normalized, e->policy, text, n);
    while (!rc && added_next(&walk, &span))
        rc = span.id >= 0
                 ? ids_append(e->err, e->ids, &span.id, 1)
                 : pretokenize(e->err, &e->t->pre, text + span.start,
                               span.stop - span.start, encode_piece, e);
    return rc;
}

static int
encode_text(struct encoding *e, const char *text, size_t n)
{
    const char *form = text;
    size_t form_n = n;
    int rc = MOE_OK;
    if (e->t->normalize)
        rc = nfc_apply(e->err, &e->t->nfc, text, n, &form, &form_n);
    return rc ? rc : encode_normalized(e, form, form_n);
}

static int
encode_raw(struct encoding *e, const char *text, size_t n)
{
    struct added_walk walk;
    struct added_span span;
    int rc = MOE_OK;
    added_begin(&walk, &e->t->raw, e->policy, text, n);
    while (!rc && added_next(&walk, &span))
        rc = span.id >= 0
                 ? ids_append(e->err, e->ids, &span.id, 1)
                 : encode_text(e, text + span.start, span.stop - span.start);
    return rc;
}

int
moe_tokenizer_encode(struct moe_err *err, struct moe_tokenizer *t,
                     struct moe_ids *ids, const char *text, size_t n,
                     const struct moe_encode_options *opt)
{
    struct encoding e = {err, t, ids, opt ? opt->added : MOE_ADDED_ALL};
    if (utf8_prefix(text, n) == n)
        return encode_raw(&e, text, n);
    struct str repaired = {0};
    ids->replaced += utf8_repair(&repaired, text, n);
    int rc = repaired.failed
                 ? moe_fail(err, MOE_ENOMEM, "tokenizer: out of memory")
                 : encode_raw(&e, repaired.s, repaired.n);
    str_free(&repaired);
    return rc;
}
