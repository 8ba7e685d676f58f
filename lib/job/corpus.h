/*
 * corpus.h - the tokens of one language in one piece, and where its documents
 * begin.
 */
#ifndef JOB_CORPUS_H
#define JOB_CORPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <polymoe/tokenizer.h>

#include "job/spec.h"
#include "routing/collect.h"

/* Zero it to start. */
struct corpus {
    struct moe_ids ids; // of all files, one after another
    size_t *start;      // first token of each document, ascending; 0 first
    size_t documents, start_cap;
    uint64_t replaced; // malformed UTF-8 sequences of the text
};

struct corpus_options {
    const char *model;               // its name, for errors
    int64_t V;                       // every id must be below
    int64_t eos;                     // ends a document; -1: none
    int documents;                   // enum job_documents, of text
    size_t limit;                    // tokens; what follows is not read
    struct moe_tokenizer *tokenizer; // NULL when every file is a shard
};

/* Does this file hold ids, by its name?  Otherwise it is text. */
bool corpus_is_shard(const char *path);

/* Is any file of any language text, so that a tokenizer is wanted? */
bool corpus_has_text(const struct job_data *data);

/*
 * Read the files of a language, in their order.
 *
 * Text is encoded document by document with `eos` after each; with
 * JOB_DOCUMENTS_FILE a plain text file is encoded in one piece, and nothing is
 * put after it.  In a shard, `eos` ends a document.  A new file begins a
 * document.
 *
 * The errors name language and file: MOE_EINPUT for a missing file,
 * MOE_EFORMAT for one without tokens or with an id outside [0, V); MOE_EINVAL
 * when a text wants an `eos` and there is none.
 */
int corpus_read(struct moe_err *err, struct corpus *out,
                const struct corpus_options *opt,
                const struct job_language *language);
void corpus_free(struct corpus *s);

/*
 * The parts of documents in tokens [at, at + n), as rows from 0 on.
 *
 * Returns how many; segment has room for n.  *document is the place of the
 * document of token `at` or an earlier one, 0 to start; it moves along.
 */
size_t corpus_segments(const struct corpus *s, struct collect_segment *segment,
                       size_t at, size_t n, size_t *document);

#endif
