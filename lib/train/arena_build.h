/*
 * arena_build.h - what the files that make an arena share.
 */
#ifndef TRAIN_ARENA_BUILD_H
#define TRAIN_ARENA_BUILD_H

#include "train/layout.h"

enum { ARENA_CHUNK = 1 << 20 }; // elements copied at a time

/* The buffers of one segment; all but the weights are state. */
struct segment {
    struct buffer *w, *master, *g, *m, *v;
};
enum {
    SEGMENT_W,
    SEGMENT_G,
    SEGMENT_M,
    SEGMENT_V,
    SEGMENT_MASTER,
    SEGMENT_BUFFERS
};
extern const char *const segment_words[SEGMENT_BUFFERS];

/* Bytes of one of them; 0: it is not there. */
uint64_t segment_bytes(const struct layout_segment *s, int which,
                       const struct arena_options *opt);

/* All buffers of all segments, added to *need. */
void segments_need(struct need *need, const struct layout *l,
                   const struct arena_options *opt);

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
