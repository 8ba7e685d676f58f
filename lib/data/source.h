/*
 * source.h - the batches of a training run, in an order that a seed decides.
 *
 *     source_open(err, &s, language, n, &opt);
 *     while (source_next(err, s, ids, target) == MOE_OK)
 *         ...                     // state = source_state(s) at any time
 *     source_close(&s);
 *
 * A window is T tokens of one file; the windows of a file follow each other
 * and its remainder is dropped.  Position t of a window predicts its token
 * t + 1, the last one predicts nothing.
 *
 * The batches are a function of the files, the options and the seed alone, and
 * the place in them is one number, how many were given out.
 */
#ifndef DATA_SOURCE_H
#define DATA_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <polymoe/tokenizer.h>

#include "data/mixture.h"

struct source_language {
    const char *name;         // borrowed, like the files
    const char *const *files; // shards (.u16 .u32 .npy) or text (.txt .jsonl
    size_t n;                 // .jsonl.gz .jsonl.zst), in the order of reading
};

enum source_order {
    SOURCE_STREAM, // a mixture of the languages, mixture.h
    SOURCE_OLMO,   // one shuffle of all windows an epoch, order.h; those left
                   // after its last whole batch are dropped
    SOURCE_FILE    // recorded batches; the languages' files are not opened
};

struct source_options {
    int64_t T, batch;                // tokens of a window, windows of a batch
    int64_t V;                       // every id must be below
    int64_t eos;                     // ends a document of text
    int documents;                   // enum text_documents, of text
    struct moe_tokenizer *tokenizer; // borrowed; NULL when all are shards
    enum source_order order;
    enum mixture_shares shares; // with SOURCE_STREAM
    const double *given;        // (n), with MIXTURE_EXPLICIT
    double tau;                 // with MIXTURE_TEMPERATURE
    const char *batches;        // with SOURCE_FILE: raw ids, batch T a step
    bool repetition_filter;
    uint64_t seed;
    /* Gets a line about what is odd but may be meant: a shard that does not
     * end with eos, an eos that is not the tokenizer's.  NULL: nobody does. */
    void (*warn)(void *arg, const char *line);
    void *warn_arg;
};

struct source;

/*
 * Open every file; shards are mapped, text is encoded into memory.
 *
 * Errors name language and file: MOE_EINPUT, MOE_EFORMAT for an id outside
 * [0,V) with its place, for fewer windows than a batch, for a language without
 * a window, for recorded ids that are no whole number of batches; MOE_EINVAL
 * for a share that is missing, for text without tokenizer or eos.
 */
int source_open(struct moe_err *err, struct source **out,
                const struct source_language *language, size_t n,
                const struct source_options *opt);
void source_close(struct source **sp);

/*
 * The next batch: ids (batch,T), target (batch,T) with -1 where nothing is
 * predicted.  The stream never ends, epoch follows epoch, except for
 * SOURCE_FILE, whose end is MOE_EINPUT.  MOE_EFORMAT names file and place of
 * an id outside [0,V).
 */
int source_next(struct moe_err *err, struct source *s, int32_t *ids,
                int32_t *target);

/* Windows of one epoch over everything; of SOURCE_FILE, those of the file. */
uint64_t source_windows(const struct source *s);

/* How often a language was seen so far, in epochs of its own; 0 with
 * SOURCE_FILE. */
double source_epochs(const struct source *s, size_t language);

/* Windows left out of the labels by the repetition filter so far. */
uint64_t source_filtered(const struct source *s);

/* Batches given out so far. */
uint64_t source_position(const struct source *s);

/* Where the stream stands, and back to it: the same batches follow, bit for
 * bit.  The state says what data it belongs to: MOE_ESTATE for others, naming
 * what differs.  NULL without memory; the caller's. */
json_t *source_state(const struct source *s);
int source_restore(struct moe_err *err, struct source *s, const json_t *state);

#endif
