/*
 * usage.h - what an analysis counts of one language beside routing.h: its
 * vocabulary, experts that are chosen together, first choices of token ids,
 * agreement with a second checkpoint.
 */
#ifndef ROUTING_USAGE_H
#define ROUTING_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <polymoe/error.h>

/* Ids that occur less often have no favourite expert; ids named an expert. */
enum { USAGE_OFTEN = 10, USAGE_NAMED = 5 };

/* An id whose most frequent first choice is `expert`. */
struct usage_token {
    int32_t expert, token;
    uint64_t count, of; // first choices of it, occurrences of the id
};

/* The ids of one layer. */
struct usage_layer {
    int64_t layer, ids; // distinct ones
    double specialization;
    struct usage_token *token; // by expert, then by share, largest first
    size_t n, cap;
};

/* Zero it to start. */
struct usage {
    int64_t L, E, K, V, C;
    uint64_t *seen;            // (V) occurrences of ids
    uint64_t *together;        // (L,E,E), or NULL: not counted
    uint64_t *adjacent;        // (L,E,E)
    uint64_t *common;          // (L,K+1), or NULL: no second checkpoint
    struct usage_layer *layer; // (C)
};

struct usage_shape {
    int64_t L, E, K, V;
    int64_t C; // layers whose ids are looked at
    bool coactivation, against;
};

int usage_init(struct moe_err *err, struct usage *u,
               const struct usage_shape *shape);
void usage_free(struct usage *u);
void usage_clear(struct usage *u); // zero every counter

/* Add the n ids of a text to its vocabulary. */
void usage_see(struct usage *u, const int32_t *id, size_t n);

/* The ids of the c-th layer, from count (V,E) of first choices: the mean over
 * ids of the share of the most frequent one, and each expert's ids. */
int usage_tokens(struct moe_err *err, struct usage *u, int64_t c, int64_t layer,
                 const int32_t *count);

/* together and adjacent of `from` added to `into`. */
void usage_merge(struct usage *into, const struct usage *from);

/* As JSON, zeros left out; and back into a struct of that shape.  NULL without
 * memory; MOE_EFORMAT when it does not fit the shape. */
json_t *usage_pack(const struct usage *u);
int usage_unpack(struct moe_err *err, struct usage *u, const json_t *from,
                 const char *path);

/* Numbers as JSON, [place, number, place, number, ...], zeros left out. */
json_t *usage_pack_counts(const uint64_t *x, size_t n);
bool usage_unpack_counts(uint64_t *x, size_t n, const json_t *from);

#endif
