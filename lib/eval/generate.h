/*
 * generate.h - texts that a model goes on with, several at once.
 */
#ifndef EVAL_GENERATE_H
#define EVAL_GENERATE_H

#include <stdbool.h>

#include <polymoe/model.h>
#include <polymoe/tokenizer.h>

#include "base/str.h"
#include "eval/sample.h"

enum generate_end {
    GENERATE_LENGTH, // max_tokens, or the model's last position
    GENERATE_EOS,    // the end of text came
    GENERATE_STOP,   // one of the stop texts came
    GENERATE_UNENDED // not yet
};

struct generation {
    const int32_t *prompt; // (n), borrowed; n at least 1
    int64_t n;
    uint64_t stream;       // of the random numbers
    struct moe_ids ids;    // out: the new ids, without the end of text
    struct str text;       // out: their bytes, up to a stop text
    enum generate_end end; // out
};
void generation_free(struct generation *g);

/* "length", "eos", "stop". */
const char *generate_end_name(enum generate_end end);

struct generate_options {
    struct moe_tokenizer *tokenizer;
    struct sample_options sample;
    int64_t max_tokens; // new ones of each text
    int64_t length; // positions of prompt and new ones, 0: as many as the run
                    // takes
    int32_t eos;    // ends a text; -1: none
    const char *const *stop; // texts that end one; empty ones are passed over
    size_t stops;
    int64_t parallel; // texts at once, 0: 16

    /* Called after each new token of a text; true stops with MOE_ECANCEL. */
    bool (*token)(void *arg, const struct generation *g);
    void *arg;
};

/*
 * Go on with n texts.  A prompt must leave room for one token.
 *
 * The run has a cache (eval_run_create()).  Prompts go in piece by piece, then
 * a pass makes one token of each text; a text that has ended makes room for
 * the next one.  In a steady run a text is the same whatever stands beside it.
 *
 * MOE_EINVAL for a prompt too long; MOE_ENUMERIC; MOE_ECANCEL.  *failed is the
 * text that a failure is about, or SIZE_MAX; may be NULL.
 */
int generate(struct moe_run *run, struct generation *g, size_t n,
             const struct generate_options *opt, size_t *failed);

#endif
