/*
 * encode.h - a context and what may follow it, as token ids.
 *
 * As the lm-evaluation-harness does it: white space at the context's end
 * belongs to what follows; the context has the ids of its own text, what
 * follows has those that remain of the whole.  An empty context is one prefix
 * token, the model's begin or end of text, unless the text begins with it.
 */
#ifndef EVAL_ENCODE_H
#define EVAL_ENCODE_H

#include <polymoe/model.h>
#include <polymoe/tokenizer.h>

struct encoder {
    struct moe_tokenizer *tokenizer; // borrowed
    int32_t prefix;                  // for an empty context; -1: none
    int64_t length;                  // of the longest input
    int64_t V;                       // every id must be below
};

/* The encoder of a model and its tokenizer.  MOE_EINVAL when the model has
 * neither a begin nor an end of text. */
int encoder_make(struct moe_err *err, struct encoder *e,
                 const struct moe_config *config, struct moe_tokenizer *t,
                 int64_t length);

struct encoded {
    size_t at, n;     // ids [at, at + n) of the list
    size_t first;     // the first that is scored, counted from `at`
    size_t context;   // ids of the context before anything was cut
    size_t truncated; // of these, cut from the left
    bool too_long;    // even what follows alone is too long: nothing was added
};

/*
 * Append the ids of `context` and `text` to a list.
 *
 * At most length + 1 of them, from the right.  The errors are those of the
 * tokenizer, and MOE_EFORMAT for an id that the model does not have.
 */
int encode_pair(struct moe_err *err, const struct encoder *e,
                struct moe_ids *ids, struct encoded *out, const char *context,
                const char *text);

/* The ids of a text alone, without any prefix, its first one not scored; a
 * text of one id has nothing to score (n = 1). */
int encode_alone(struct moe_err *err, const struct encoder *e,
                 struct moe_ids *ids, struct encoded *out, const char *text);

/* Append the ids of a text as it is, the prefix where it has none. */
int encode_prompt(struct moe_err *err, const struct encoder *e,
                  struct moe_ids *ids, const char *text);

/* How many bytes of s end before white space that reaches to its end. */
size_t encode_trim(const char *s);
/* How many bytes of white space it begins with. */
size_t encode_skip(const char *s);

#endif
