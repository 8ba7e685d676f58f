/*
 * source_file.h - one file of training data: ids that are mapped, or a text
 * that was encoded.
 */
#ifndef DATA_SOURCE_FILE_H
#define DATA_SOURCE_FILE_H

#include "data/shard.h"
#include "data/source.h"
#include "data/text.h"

struct source_file {
    size_t language;
    struct shard shard; // path is NULL for a text
    struct moe_ids ids; // of a text
    uint64_t tokens;
    uint64_t first; // its first window, counted over all files
};

/* Zeroes and fills *f; `first` is the caller's. */
int source_file_open(struct moe_err *err, struct source_file *f,
                     const char *path, const struct source_options *opt);
void source_file_close(struct source_file *f);

/* Window w of T tokens. */
int source_file_read(struct moe_err *err, const struct source_file *f,
                     uint64_t w, int64_t T, int32_t *out);

#endif
