/*
 * rotate.h - lines into a series of files: a new file after every so many.
 *
 * A file appears under its name when it is complete, and is known by its
 * SHA-256 then.
 */
#ifndef DATA_ROTATE_H
#define DATA_ROTATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fs.h"
#include "base/hash.h"

struct rotate_file {
    char *name; // in the directory
    uint64_t lines, bytes;
    char sha256[HASH_HEX];
};

struct rotate {
    const char *dir, *stem; // borrowed
    uint64_t every;         // lines of a file; 0: one file
    bool first_bare;        // STEM.jsonl, STEM_2.jsonl instead of STEM_1.jsonl
    struct rotate_file *file;
    size_t files, cap; // the last one is being written while `open`
    bool open;
    struct fs_writer w;
    struct hash hash;
};

/* An empty series.  With every = 0 its file is STEM.jsonl. */
void rotate_begin(struct rotate *r, const char *dir, const char *stem,
                  uint64_t every, bool first_bare);

/* n bytes as a line.  MOE_EIO, MOE_ENOMEM. */
int rotate_add(struct moe_err *err, struct rotate *r, const char *line,
               size_t n);

/* Complete the last file. */
int rotate_finish(struct moe_err *err, struct rotate *r);

/* Lines of all files. */
uint64_t rotate_lines(const struct rotate *r);

/* Removes a file that was not finished. */
void rotate_free(struct rotate *r);

#endif
