/*
 * pretokenize.h - the steps of a tokenizer.json that cut a text into pieces
 * which are merged each for itself.
 */
#ifndef DATA_PRETOKENIZE_H
#define DATA_PRETOKENIZE_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include <polymoe/error.h>

#include "base/str.h"

enum { PRE_STEPS = 16 };

struct pre_step {
    pcre2_code *code;  // NULL: no pattern, only add_prefix_space
    bool jit;          // code has machine code
    bool drop_matches; // behaviour Removed
    bool invert;       // what the pattern matches and what it leaves change
                       // places
    bool prefix_space; // a piece that does not begin with a space gets one
};

struct pretokenizer {
    struct pre_step step[PRE_STEPS];
    size_t steps;
    pcre2_match_data *match[PRE_STEPS];
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    struct str prefixed; // a piece with its space
};

/* Takes one piece; a code other than MOE_OK ends the walk. */
typedef int pre_piece_fn(void *arg, const char *piece, size_t n);

/* Read the value of pre_tokenizer; `path` stands in errors. */
int pretokenizer_read(struct moe_err *err, struct pretokenizer *pre,
                      const json_t *value, const char *path);
void pretokenizer_free(struct pretokenizer *pre);

/* Every piece of n bytes of well-formed UTF-8, in order. */
int pretokenize(struct moe_err *err, struct pretokenizer *pre, const char *text,
                size_t n, pre_piece_fn *fn, void *arg);

#endif
