/*
 * tiny.h - small OLMoE checkpoints in every spelling, right and wrong.
 */
#ifndef TESTS_TINY_H
#define TESTS_TINY_H

#include "tests/support.h"

#include <stdbool.h>

#include "model/params.h"

/* A zeroed struct is a checkpoint of one file with a tensor for each expert.
 * The numbers depend only on the parameter, not on the spelling. */
struct tiny {
    const char *config; // JSON object whose keys replace the usual ones
    enum dtype dtype;
    bool fused;        // experts as gate_up_proj and down_proj
    int shards;        // 0: one file; else tensors are dealt out to so many
    bool head;         // with tied embeddings: the head too, the same numbers
    const char *drop;  // leave this tensor out
    const char *extra; // add a tensor of one element
    const char *tall;  // give this tensor one row more
    const char *typed; // store this one as U32
    const char *zero;  // every number of this one is 0
    const char *nan;   // first number of this one is a NaN
    /* Numbers of your own: x holds the n usual ones of p; NULL: these. */
    void (*fill)(float *x, const struct param *p, size_t n);
};

/* Write DIR/name below the test's directory; the directory's path. */
const char *tiny_write(const char *name, const struct tiny *t);

#endif
