/*
 * layout.h - where each parameter lies in an arena, before anything exists.
 */
#ifndef TRAIN_LAYOUT_H
#define TRAIN_LAYOUT_H

#include "train/arena.h"

/* Where one parameter lies.  A unit is what must share a segment: a single
 * tensor, or all experts of a layer. */
struct layout_place {
    struct param p;
    uint64_t n;          // elements
    bool held;           // in the arena at all
    bool trained;        // has gradient and moments
    uint8_t class;       // CLASS_SMALL and CLASS_DECAY bits
    int segment;         // -1 unless held
    uint64_t w_at, s_at; // elements from the segment's start: weight, state
};

enum { CLASS_SMALL = 1, CLASS_DECAY = 2, CLASSES = 4 };

struct layout_segment {
    uint8_t class;
    struct param first; // in it
    size_t units;
    uint64_t w_n, s_n; // elements of weights, of each state
};

struct layout {
    struct layout_place *place; // in the order of params_list()
    size_t places;
    struct layout_segment *segment;
    size_t segments;
    uint64_t trained; // elements
};

/* limit: bytes of a buffer of a segment.  A unit that exceeds it has a segment
 * of its own.  MOE_EINVAL when nothing is trained. */
int layout_make(struct moe_err *err, struct layout *out,
                const struct moe_config *config,
                const struct arena_options *opt, uint64_t limit);
void layout_free(struct layout *l);

/* As arena.lowest. */
int64_t layout_lowest(const struct layout *l, int64_t L);

/* The type that weights of a class have. */
enum dtype layout_dtype(uint8_t class, const struct arena_options *opt);

#endif
