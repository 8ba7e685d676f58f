/*
 * prepare.h - from the documents of languages to the files of a corpus.
 *
 * Documents are lines of JSON with the keys of CulturaX: text, id, source,
 * timestamp, url.  Each is written as
 *
 *     {"id": "LANG_N", "text": ..., "source": ..., "timestamp": ...,
 *      "url": ..., "metadata": {}, "language": "LANG"}
 *
 * with null for what it lacks.  Files of DIR, k from 1:
 *
 *   LANG_test.jsonl          the first held_out documents; N from 0
 *   LANG_train_k.jsonl       the others, N from 0 again
 *   multilang_train_k.jsonl  or the others of all languages in turn, N counted
 *                            over all
 *   combined_train.jsonl,    a mixture and one more language, shuffled
 *   combined_train_2.jsonl, ...
 *   manifest.json            what all this was made of; it is written last
 *
 * Source: the data stage of aditi184/moe-routing-adaptation.
 */
#ifndef DATA_PREPARE_H
#define DATA_PREPARE_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <polymoe/tokenizer.h>

enum prepare_mix {
    PREPARE_SPLIT,     // every language by itself
    PREPARE_DOCUMENTS, // one document of each language in turn
    PREPARE_TOKENS     // next is the language with the fewest tokens so far
};

/* Files of one language follow each other in the order of the list, wherever
 * they stand in it. */
struct prepare_file {
    const char *language, *path;
};

struct prepare_options {
    const char *dir; // made when it is missing
    enum prepare_mix mix;
    uint64_t held_out; // documents of each language
    uint64_t rotate;   // documents of a file; 0: one file
    uint64_t limit;    // of each language to train on, documents, or tokens
                       // with PREPARE_TOKENS; 0: all.  Of the mixture when
                       // combining
    uint64_t seed;     // of the shuffle
    struct moe_tokenizer *tokenizer; // for PREPARE_TOKENS
    /* Where the work is: a file and the bytes read of it.  May be NULL. */
    void (*progress)(void *arg, const char *path, uint64_t bytes);
    void *progress_arg;
};

/*
 * Split n files by language, and mix the languages when opt says so.
 *
 * A mixture ends before the round, or the document, for which a language has
 * nothing left or has reached the limit, so that no language has more than its
 * part.  *manifest, when not NULL, gets the manifest; the caller's.
 *
 * MOE_EINPUT, and for a language with nothing left to train on; MOE_EFORMAT
 * naming file and line; MOE_EINVAL; MOE_EIO; MOE_ENOMEM.
 */
int prepare_split(struct moe_err *err, json_t **manifest,
                  const struct prepare_file *file, size_t n,
                  const struct prepare_options *opt);

/*
 * Shuffle the first opt->limit documents of a mixture's files together with
 * every document of the files of one more language.
 *
 * Documents that say their language are kept as they are.
 */
int prepare_combine(struct moe_err *err, json_t **manifest,
                    const char *const *mixture, size_t n,
                    const struct prepare_file *more, size_t more_n,
                    const struct prepare_options *opt);

#endif
