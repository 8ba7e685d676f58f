/*
 * source_state.h - what the files of a data source share.
 */
#ifndef DATA_SOURCE_STATE_H
#define DATA_SOURCE_STATE_H

#include "data/source_file.h"

struct source_part {
    char *name;
    uint64_t first, windows; // among those of all files
    uint64_t drawn;
    double share;
};

struct source {
    enum source_order order;
    int64_t T, batch;
    uint64_t seed;
    bool filter;
    uint64_t filtered;
    struct source_part *language;
    size_t languages;
    struct source_file *file;
    size_t files;
    uint64_t windows;        // of all files
    uint64_t batches;        // given out
    struct mixture *mixture; // SOURCE_STREAM
    uint32_t *epoch_order;   // SOURCE_OLMO: the windows of epoch `epoch`
    uint64_t epoch;
    uint64_t epoch_batches; // 0 with SOURCE_STREAM
};

/* The file that holds a window, counted over all files. */
const struct source_file *source_file_of(const struct source *s,
                                         uint64_t window);

/* Have the order of an epoch at hand, with SOURCE_OLMO. */
int source_make_order(struct moe_err *err, struct source *s, uint64_t epoch);

#endif
