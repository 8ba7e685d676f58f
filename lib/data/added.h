/*
 * added.h - added tokens: texts that are cut out before anything else sees
 * them, the longest one that begins leftmost.
 */
#ifndef DATA_ADDED_H
#define DATA_ADDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <polymoe/error.h>
#include <polymoe/tokenizer.h>

struct added_token {
    int32_t id;
    bool special;
    bool spaces;         // nothing but white space
    bool lstrip, rstrip; // takes the white space before it, after it
    bool single_word;    // not inside a word
};

struct added_node {
    uint32_t child, sibling; // node numbers; 0: none
    uint32_t token;          // number and one of the token ending here
    unsigned char byte;
};

/* A set of tokens as a tree of their bytes.  Zero it to start. */
struct added_set {
    struct added_token *token;
    size_t tokens, token_cap;
    struct added_node *node; // node 0 is unused
    size_t nodes, node_cap;
    uint32_t root[256]; // first node by first byte
};

int added_insert(struct moe_err *err, struct added_set *set, const char *text,
                 size_t n, const struct added_token *token);
void added_free(struct added_set *set);

/* A walk through a text: stretches and the tokens between them, in order. */
struct added_walk {
    const struct added_set *set;
    enum moe_added policy;
    const char *s;
    size_t n;
    size_t search, done;                // where to look on, end of last span
    size_t pending_start, pending_stop; // of a token found, not yet given
    int32_t pending;                    // its id, -1: none
};

struct added_span {
    size_t start, stop;
    int32_t id; // -1: text
};

void added_begin(struct added_walk *w, const struct added_set *set,
                 enum moe_added policy, const char *s, size_t n);
/* False at the end.  A text span is never empty. */
bool added_next(struct added_walk *w, struct added_span *span);

#endif
