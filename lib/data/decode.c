/*
 * decode.c - ids to text, and what is known of a token.
 */
#include "data/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

void
moe_text_free(struct moe_text *text)
{
    free(text->s);
    *text = (struct moe_text){0};
}

static bool
append(struct moe_text *out, const char *s, size_t n)
{
    size_t need;
    if (!mem_add(&need, out->n, n) || !mem_add(&need, need, 1))
        return false;
    char *grown = mem_grow(out->s, &out->cap, need, 1);
    if (!grown)
        return false;
    out->s = grown;
    if (n)
        memcpy(out->s + out->n, s, n);
    out->n += n;
    out->s[out->n] = '\0';
    return true;
}

/* The bytes of all tokens; a character may be spread over several. */
static int
join(struct moe_err *err, const struct moe_tokenizer *t, struct str *bytes,
     const int32_t *id, size_t n, bool skip_special)
{
    for (size_t i = 0; i < n; i++) {
        size_t length;
        const char *token = moe_tokenizer_token(t, id[i], &length);
        if (!token)
            return moe_fail(err, MOE_EFORMAT,
                            "token %zu: id %ld is not in the vocabulary, want "
                            "0 to %lld",
                            i, (long)id[i],
                            (long long)moe_tokenizer_size(t) - 1);
        if (!skip_special || !t->special[id[i]])
            str_add(bytes, token, length);
    }
    return bytes->failed ? moe_fail(err, MOE_ENOMEM, "tokenizer: out of memory")
                         : MOE_OK;
}

int
moe_tokenizer_decode(struct moe_err *err, struct moe_tokenizer *t,
                     struct moe_text *out, const int32_t *id, size_t n,
                     bool skip_special)
{
    struct str bytes = {0}, text = {0};
    int rc = join(err, t, &bytes, id, n, skip_special);
    if (!rc) {
        utf8_repair(&text, bytes.s ? bytes.s : "", bytes.n);
        if (text.failed || !append(out, text.s, text.n))
            rc = moe_fail(err, MOE_ENOMEM, "tokenizer: out of memory");
    }
    str_free(&bytes);
    str_free(&text);
    return rc;
}

int64_t
moe_tokenizer_size(const struct moe_tokenizer *t)
{
    return (int64_t)t->vocab.size;
}

const char *
moe_tokenizer_token(const struct moe_tokenizer *t, int32_t id, size_t *n)
{
    return vocab_bytes(&t->vocab, id, n);
}

int32_t
moe_tokenizer_added(const struct moe_tokenizer *t, const char *text)
{
    int32_t id = vocab_find(&t->vocab, text, strlen(text));
    return id >= 0 && t->added[id] ? id : -1;
}

int32_t
moe_tokenizer_eos(const struct moe_tokenizer *t)
{
    return moe_tokenizer_added(t, "<|endoftext|>");
}
