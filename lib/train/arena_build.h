/*
 * arena_build.h - what the files that make an arena share.
 */
#ifndef TRAIN_ARENA_BUILD_H
#define TRAIN_ARENA_BUILD_H

#include "train/layout.h"

enum { ARENA_CHUNK = 1 << 20 }; // elements copied at a time

/* The buffers of one segment; m, v, g and master are state. */
struct segment {
    struct buffer *w, *master, *g, *m, *v;
};

struct builder {
    struct arena *a;
    const struct arena_options *opt;
    struct layout layout;
    struct segment *segment;
    float *x; // ARENA_CHUNK elements
    void *y;
};

/* A buffer that the arena owns. */
int arena_buffer(struct builder *b, struct buffer **out, uint64_t bytes,
                 const char *name);

/* Copy every held parameter's value, and point the model's tensors, its tables
 * of expert offsets and the gradients at the arena. */
int arena_move(struct builder *b);

#endif
