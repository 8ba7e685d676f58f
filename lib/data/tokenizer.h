/*
 * data/tokenizer.h - what the library's own files see of a tokenizer.
 *
 * The order of encoding: added tokens that are not normalized; form C of what
 * is between; added tokens that are normalized; the pre-tokenizer's pieces;
 * merges.
 */
#ifndef DATA_TOKENIZER_H
#define DATA_TOKENIZER_H

#include <polymoe/tokenizer.h>

#include <jansson.h>

#include "data/added.h"
#include "data/bpe.h"
#include "data/normalize.h"
#include "data/pretokenize.h"
#include "data/vocab.h"

struct moe_tokenizer {
    struct vocab vocab;
    struct bpe bpe;
    struct pretokenizer pre;
    bool normalize; // else nfc is not used
    struct nfc nfc;
    struct added_set raw, normalized;
    bool *special; // by id
    bool *added;   // by id
};

/* Fill an empty tokenizer from a document; `path` stands in errors. */
int tokenizer_read(struct moe_err *err, struct moe_tokenizer *t,
                   const json_t *root, const char *path);

#endif
