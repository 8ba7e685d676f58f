/*
 * tokenizer_json.c - what a tokenizer.json may hold, and what is refused.
 */
#include "data/tokenizer.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* The "type" of an object; "none" for anything else. */
static const char *
type_of(const json_t *value)
{
    const char *type = json_string_value(json_object_get(value, "type"));
    return type ? type : "none";
}

static bool
absent(const json_t *value)
{
    return !value || json_is_null(value);
}

static bool
flag(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

static int
refuse(struct moe_err *err, const char *path, const char *part,
       const char *found, const char *wanted)
{
    return moe_fail(err, MOE_EFORMAT, "%s: %s: '%.64s', supported %s", path,
                    part, found, wanted);
}

/* NFC, nothing, or a Sequence of these. */
static int
read_normalizer(struct moe_err *err, struct moe_tokenizer *t,
                const json_t *value, const char *path)
{
    if (absent(value))
        return MOE_OK;
    if (strcmp(type_of(value), "NFC") == 0) {
        t->normalize = true;
        return MOE_OK;
    }
    if (strcmp(type_of(value), "Sequence") != 0)
        return refuse(err, path, "normalizer", type_of(value), "is NFC");
    const json_t *list = json_object_get(value, "normalizers");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (strcmp(type_of(one), "NFC") != 0)
            return refuse(err, path, "normalizer", type_of(one), "is NFC");
        t->normalize = true;
    }
    return MOE_OK;
}

static int
check_decoder(struct moe_err *err, const json_t *value, const char *path)
{
    if (absent(value) || strcmp(type_of(value), "ByteLevel") == 0)
        return MOE_OK;
    return refuse(err, path, "decoder", type_of(value), "is ByteLevel");
}

/* Options of the model that would change the ids. */
static int
check_model(struct moe_err *err, const json_t *model, const char *path)
{
    static const char *const affixes[] = {"continuing_subword_prefix",
                                          "end_of_word_suffix"};
    const char *type = json_string_value(json_object_get(model, "type"));
    if (type && strcmp(type, "BPE") != 0)
        return refuse(err, path, "model", type, "is BPE");
    if (!json_is_object(model))
        return refuse(err, path, "model", "none", "is BPE");
    if (json_number_value(json_object_get(model, "dropout")) != 0)
        return refuse(err, path, "model.dropout", "not zero", "is null");
    for (size_t i = 0; i < sizeof affixes / sizeof *affixes; i++) {
        const char *s = json_string_value(json_object_get(model, affixes[i]));
        char part[64];
        snprintf(part, sizeof part, "model.%s", affixes[i]);
        if (s && *s)
            return refuse(err, path, part, s, "is null");
    }
    return MOE_OK;
}

/* Every byte that UTF-8 can hold must be a token, or text would be lost. */
static int
check_bytes(struct moe_err *err, const struct vocab *v, const char *path)
{
    for (int b = 0; b < 0xf5; b++)
        if (v->byte_id[b] < 0 && b != 0xc0 && b != 0xc1)
            return moe_fail(err, MOE_EFORMAT,
                            "%s: model.vocab: no token for the byte 0x%02x",
                            path, b);
    return MOE_OK;
}

static int
read_model(struct moe_err *err, struct moe_tokenizer *t, const json_t *model,
           const char *path)
{
    int rc = check_model(err, model, path);
    if (!rc)
        rc = bpe_create(err, &t->bpe, &t->vocab);
    if (!rc)
        rc = vocab_read(err, &t->vocab, json_object_get(model, "vocab"), path);
    if (!rc)
        rc = check_bytes(err, &t->vocab, path);
    if (!rc)
        rc = merges_read(err, &t->bpe.merges, &t->vocab,
                         json_object_get(model, "merges"), path);
    t->bpe.whole_first = flag(model, "ignore_merges");
    return rc;
}

/* Give an added token its place in the vocabulary. */
static int
place_added(struct moe_err *err, struct moe_tokenizer *t, const char *text,
            int64_t id, const char *path)
{
    int32_t known = vocab_find(&t->vocab, text, strlen(text));
    if (known < 0)
        return vocab_add(err, &t->vocab, text, strlen(text), id, path);
    if (known != id)
        return moe_fail(err, MOE_EFORMAT,
                        "%s: added_tokens: '%.200s' has id %lld, but %ld in "
                        "the vocabulary",
                        path, text, (long long)id, (long)known);
    return MOE_OK;
}

/* Put an added token into the set that finds it. */
static int
insert_added(struct moe_err *err, struct moe_tokenizer *t, const char *text,
             bool normalized, const struct added_token *token)
{
    const char *form = text;
    size_t n = strlen(text);
    if (!normalized)
        return added_insert(err, &t->raw, text, n, token);
    int rc =
        t->normalize ? nfc_apply(err, &t->nfc, text, n, &form, &n) : MOE_OK;
    return rc ? rc : added_insert(err, &t->normalized, form, n, token);
}

static int
read_added(struct moe_err *err, struct moe_tokenizer *t, const json_t *value,
           const char *path)
{
    const char *text = json_string_value(json_object_get(value, "content"));
    const json_t *id = json_object_get(value, "id");
    if (!text || !json_is_integer(id))
        return moe_fail(err, MOE_EFORMAT,
                        "%s: added_tokens: an entry without content or id",
                        path);
    if (!*text)
        return MOE_OK;
    int rc = place_added(err, t, text, json_integer_value(id), path);
    if (rc)
        return rc;
    struct added_token token = {
        .id = (int32_t)json_integer_value(id),
        .special = flag(value, "special"),
        .spaces = strspn(text, " \t\r\n\v\f") == strlen(text),
        .lstrip = flag(value, "lstrip"),
        .rstrip = flag(value, "rstrip"),
        .single_word = flag(value, "single_word"),
    };
    return insert_added(err, t, text, flag(value, "normalized"), &token);
}

/* The flags by id, once every token is placed. */
static int
mark_added(struct moe_err *err, struct moe_tokenizer *t, const json_t *list,
           const char *path)
{
    t->special = mem_zero(t->vocab.size, sizeof *t->special);
    t->added = mem_zero(t->vocab.size, sizeof *t->added);
    if (!t->special || !t->added)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        const char *text = json_string_value(json_object_get(one, "content"));
        int32_t id = vocab_find(&t->vocab, text, strlen(text));
        if (id < 0)
            continue;
        t->added[id] = true;
        t->special[id] = flag(one, "special");
        vocab_plain(&t->vocab, id);
    }
    return MOE_OK;
}

int
tokenizer_read(struct moe_err *err, struct moe_tokenizer *t, const json_t *root,
               const char *path)
{
    const json_t *added = json_object_get(root, "added_tokens");
    int rc = read_model(err, t, json_object_get(root, "model"), path);
    if (!rc)
        rc = read_normalizer(err, t, json_object_get(root, "normalizer"), path);
    if (!rc)
        rc = check_decoder(err, json_object_get(root, "decoder"), path);
    if (!rc)
        rc = pretokenizer_read(err, &t->pre,
                               json_object_get(root, "pre_tokenizer"), path);
    if (!rc && t->normalize)
        rc = nfc_create(err, &t->nfc);
    for (size_t i = 0; !rc && i < json_array_size(added); i++)
        rc = read_added(err, t, json_array_get(added, i), path);
    return rc ? rc : mark_added(err, t, added, path);
}
