/*
 * sequences.h - a text as sequences of tokens, each of its own: the lines of a
 * parallel text, the documents of a task.
 */
#ifndef JOB_SEQUENCES_H
#define JOB_SEQUENCES_H

#include <stddef.h>
#include <stdint.h>

#include <polymoe/tokenizer.h>

#include "job/spec.h"

/* Zero it to start. */
struct sequences {
    struct moe_ids ids; // one sequence after another
    size_t *start;      // (n + 1) first token of each, and the end
    size_t *line;       // (n) its line, from 0, or its document
    size_t n, cap, line_cap;
    size_t lines;      // of the text, empty ones too; documents of a task
    size_t cut;        // sequences of which the end was left out
    uint64_t replaced; // malformed UTF-8 sequences
};

struct sequences_options {
    struct moe_tokenizer *tokenizer;
    bool lines;     // every line is one: .txt only
    int documents;  // otherwise, enum job_documents
    size_t limit;   // lines or documents; 0: all
    size_t longest; // tokens of a sequence; what follows is cut
    int64_t V;      // every id must be below
};

/* Read the files of a language, in their order.  Nothing is put before or
 * after a sequence.  Errors name language and file: MOE_EINPUT, MOE_EFORMAT for
 * a text without tokens or one that is no plain text. */
int sequences_read(struct moe_err *err, struct sequences *out,
                   const struct sequences_options *opt,
                   const struct job_language *language);
void sequences_free(struct sequences *s);

#endif
