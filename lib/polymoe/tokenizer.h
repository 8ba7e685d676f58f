/*
 * tokenizer.h - text to token ids and back, by a model's tokenizer.json.
 *
 *     struct moe_tokenizer *t;
 *     struct moe_ids ids = {0};
 *     moe_tokenizer_load(&err, &t, "OLMoE-1B-7B-0924");
 *     moe_tokenizer_encode(&err, t, &ids, text, strlen(text), NULL);
 *     ...
 *     moe_ids_free(&ids);
 *     moe_tokenizer_destroy(&t);
 *
 * Read are byte-level BPE files: model BPE, normalizer NFC or none, and as
 * pre-tokenizer ByteLevel, alone or after Split steps.  Anything else in the
 * file is refused by its name.  Nothing is added around a text: what the
 * file's post_processor, truncation and padding say is left to the caller.
 */
#ifndef POLYMOE_TOKENIZER_H
#define POLYMOE_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <polymoe/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A growing list of ids.  Zero it to start. */
struct moe_ids {
    int32_t *id;
    size_t n, cap;
    uint64_t replaced; // malformed UTF-8 sequences met while encoding
};
MOE_API void moe_ids_free(struct moe_ids *ids);

/* A growing text of n bytes, zero-terminated.  Zero it to start. */
struct moe_text {
    char *s;
    size_t n, cap;
};
MOE_API void moe_text_free(struct moe_text *text);

struct moe_tokenizer;

/*
 * Read a tokenizer.json, or the one in a model's directory.
 *
 * MOE_EINPUT; MOE_EFORMAT naming the file and the part of it that is wrong or
 * not supported (for a merge, its index); MOE_ENOMEM.
 */
MOE_API int moe_tokenizer_load(struct moe_err *err, struct moe_tokenizer **out,
                               const char *path);
MOE_API void moe_tokenizer_destroy(struct moe_tokenizer **tp);

/* Which added tokens are recognised when they stand in a text.  The others
 * are encoded like any other text. */
enum moe_added {
    MOE_ADDED_ALL,      // every one, as Hugging Face does by default
    MOE_ADDED_ORDINARY, // those that are not special
    MOE_ADDED_SPACES    // only runs of white space
};

/* A zeroed struct means all defaults. */
struct moe_encode_options {
    enum moe_added added;
};

/*
 * Append the ids of n bytes of text.
 *
 * Each maximal malformed part of a UTF-8 sequence is read as one U+FFFD and
 * counted in ids->replaced.  Time is n log n at worst, whatever the text.
 * opt may be NULL.  MOE_OK or MOE_ENOMEM, and then what was appended is
 * incomplete.
 */
MOE_API int moe_tokenizer_encode(struct moe_err *err, struct moe_tokenizer *t,
                                 struct moe_ids *ids, const char *text,
                                 size_t n,
                                 const struct moe_encode_options *opt);

/*
 * Append the text of n ids: the bytes of every token, malformed UTF-8 replaced
 * as above.  `skip_special` leaves special tokens out.
 *
 * MOE_EFORMAT names an id that has no token, and its place; MOE_ENOMEM.
 */
MOE_API int moe_tokenizer_decode(struct moe_err *err, struct moe_tokenizer *t,
                                 struct moe_text *out, const int32_t *id,
                                 size_t n, bool skip_special);

/* The highest id and one. */
MOE_API int64_t moe_tokenizer_size(const struct moe_tokenizer *t);

/* The bytes a token stands for, *n of them, not terminated; NULL when there
 * is no such token.  They live as long as the tokenizer. */
MOE_API const char *moe_tokenizer_token(const struct moe_tokenizer *t,
                                        int32_t id, size_t *n);

/* The id of an added token with this text, or -1. */
MOE_API int32_t moe_tokenizer_added(const struct moe_tokenizer *t,
                                    const char *text);

/* The id of `<|endoftext|>`, or -1. */
MOE_API int32_t moe_tokenizer_eos(const struct moe_tokenizer *t);

#ifdef __cplusplus
}
#endif
#endif
