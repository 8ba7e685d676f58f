/*
 * encode.c - a context and what may follow it, as token ids.
 */
#include "config.h"

#include "eval/encode.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "data/bpe.h"

int
encoder_make(struct moe_err *err, struct encoder *e,
             const struct moe_config *config, struct moe_tokenizer *t,
             int64_t length)
{
    int64_t prefix = config->bos >= 0 ? config->bos : config->eos;
    *e = (struct encoder){.tokenizer = t,
                          .prefix = (int32_t)prefix,
                          .length = length,
                          .V = config->V};
    if (prefix >= 0 && prefix < config->V)
        return MOE_OK;
    return moe_fail(err, MOE_EINVAL,
                    "the model has no bos_token_id and no eos_token_id below "
                    "%" PRId64 " to begin a text with",
                    config->V);
}

/* White space of Unicode, as in Python's str.isspace(). */
static bool
is_space(int32_t c)
{
    return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 ||
           c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
           c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
           c == 0x3000;
}

size_t
encode_trim(const char *s)
{
    size_t n = strlen(s);
    while (n) {
        size_t at = utf8_last(s, n);
        int32_t c;
        utf8_get(s + at, n - at, &c);
        if (!is_space(c))
            break;
        n = at;
    }
    return n;
}

size_t
encode_skip(const char *s)
{
    size_t n = strlen(s), at = 0;
    while (at < n) {
        int32_t c;
        int step = utf8_get(s + at, n - at, &c);
        if (step < 0 || !is_space(c))
            break;
        at += (size_t)step;
    }
    return at;
}

static int
append(struct moe_err *err, const struct encoder *e, struct moe_ids *ids,
       const char *text, size_t n)
{
    size_t at = ids->n;
    int rc = moe_tokenizer_encode(err, e->tokenizer, ids, text, n, NULL);
    for (size_t i = at; !rc && i < ids->n; i++)
        if (ids->id[i] >= e->V)
            rc = moe_fail(err, MOE_EFORMAT,
                          "token id %" PRId32
                          " of the tokenizer, the model has %" PRId64,
                          ids->id[i], e->V);
    return rc;
}

/* How many ids a text has; the list is as before. */
static int
count(struct moe_err *err, const struct encoder *e, struct moe_ids *ids,
      const char *text, size_t n, size_t *out)
{
    size_t at = ids->n;
    int rc = append(err, e, ids, text, n);
    *out = ids->n - at;
    ids->n = at;
    return rc;
}

/* Put the prefix before the ids from `at` on. */
static int
put_prefix(struct moe_err *err, const struct encoder *e, struct moe_ids *ids,
           size_t at)
{
    int rc = ids_append(err, ids, &e->prefix, 1);
    if (rc)
        return rc;
    memmove(ids->id + at + 1, ids->id + at,
            (ids->n - at - 1) * sizeof *ids->id);
    ids->id[at] = e->prefix;
    return MOE_OK;
}

/* Keep the last length + 1 ids. */
static void
cut(const struct encoder *e, struct moe_ids *ids, struct encoded *out)
{
    const size_t most = (size_t)e->length + 1;
    out->n = ids->n - out->at;
    out->too_long = out->n - out->first > (size_t)e->length;
    if (out->too_long) {
        ids->n = out->at;
        out->n = 0;
        return;
    }
    if (out->n <= most)
        return;
    out->truncated = out->n - most;
    memmove(ids->id + out->at, ids->id + out->at + out->truncated,
            most * sizeof *ids->id);
    ids->n = out->at + most;
    out->n = most;
    out->first -= out->truncated;
}

static int
empty_context(struct moe_err *err, const struct encoder *e, struct moe_ids *ids,
              struct encoded *out, const char *text)
{
    int rc = append(err, e, ids, text, strlen(text));
    if (!rc && (ids->n == out->at || ids->id[out->at] != e->prefix))
        rc = put_prefix(err, e, ids, out->at);
    out->context = out->first = 1;
    return rc;
}

int
encode_pair(struct moe_err *err, const struct encoder *e, struct moe_ids *ids,
            struct encoded *out, const char *context, const char *text)
{
    struct str whole = {0};
    int rc;
    *out = (struct encoded){.at = ids->n};
    if (!*context)
        rc = empty_context(err, e, ids, out, text);
    else {
        str_puts(&whole, context);
        str_puts(&whole, text);
        rc = whole.failed ? moe_fail(err, MOE_ENOMEM, "out of memory") : MOE_OK;
        if (!rc)
            rc = count(err, e, ids, context, encode_trim(context), &out->first);
        out->context = out->first;
        if (!rc)
            rc = append(err, e, ids, whole.s, whole.n);
        str_free(&whole);
    }
    if (!rc && ids->n - out->at <= out->first)
        rc = moe_fail(err, MOE_EFORMAT, "'%.80s': no token to score", text);
    if (!rc)
        cut(e, ids, out);
    return rc;
}

int
encode_alone(struct moe_err *err, const struct encoder *e, struct moe_ids *ids,
             struct encoded *out, const char *text)
{
    *out = (struct encoded){.at = ids->n, .context = 1, .first = 1};
    int rc = append(err, e, ids, text, strlen(text));
    if (!rc && ids->n == out->at)
        rc = moe_fail(err, MOE_EFORMAT, "'%.80s': no token", text);
    if (!rc)
        cut(e, ids, out);
    return rc;
}

int
encode_prompt(struct moe_err *err, const struct encoder *e, struct moe_ids *ids,
              const char *text)
{
    size_t at = ids->n;
    int rc = append(err, e, ids, text, strlen(text));
    return rc || ids->n > at ? rc : put_prefix(err, e, ids, at);
}
