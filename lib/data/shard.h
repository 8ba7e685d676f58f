/*
 * shard.h - token ids on disk, in Dolma's layout.
 *
 * A shard is raw little-endian ids, 2 bytes each when the vocabulary has at
 * most 65,536 tokens, else 4: documents one after the other, each ended by
 * EOS.  Its name ends in .npy as Dolma's do, though it has no header; a file
 * that does begin with NumPy's header is read by it.  Beside STEM.npy stands
 * STEM.csv.gz, one row a document without a heading:
 *
 *     start,end,id,src,loc
 *
 * start and end count tokens, EOS included; loc is the line in the file src,
 * from 1.
 */
#ifndef DATA_SHARD_H
#define DATA_SHARD_H

#include <stddef.h>
#include <stdint.h>

#include <polymoe/error.h>

#include "base/fs.h"

/* Bytes of an id of a vocabulary of V tokens: 2 or 4. */
int shard_width(int64_t V);

/* ---- Writing ------------------------------------------------------------ */

struct shard_options {
    const char *dir, *stem; // files are DIR/STEM.00000.npy and so on
    int64_t V;              // vocabulary, for the width
    int32_t eos;            // after each document; -1: nothing
    uint64_t max_bytes;     // of a file; 0: 2 GiB.  A document is never cut:
                            // a larger one has a file of its own
};

struct shard_writer;

int shard_writer_create(struct moe_err *err, struct shard_writer **out,
                        const struct shard_options *opt);

/* One document of n ids.  `id` may be NULL: then it is the line's number. */
int shard_writer_add(struct moe_err *err, struct shard_writer *w,
                     const int32_t *ids, size_t n, const char *id,
                     const char *src, uint64_t loc);

/* Give the last file its name.  Files appear only complete. */
int shard_writer_finish(struct moe_err *err, struct shard_writer *w);

/* Removes the file that was not finished. */
void shard_writer_destroy(struct shard_writer **wp);

uint64_t shard_writer_tokens(const struct shard_writer *w); // EOS included
unsigned shard_writer_files(const struct shard_writer *w);  // finished

/* ---- Reading ------------------------------------------------------------ */

struct shard_span {
    uint64_t start, end; // tokens; end includes EOS
};

struct shard {
    char *path;
    struct fs_map map;
    const unsigned char *data; // the first id
    int width;
    uint64_t tokens;
    int64_t V;
    struct shard_span *document; // after shard_documents()
    size_t documents, document_cap;
};

/*
 * Map a shard of a vocabulary of V tokens.
 *
 * width 2 or 4, or 0: what NumPy's header says, else the ending .u16 or .u32,
 * else by V.  MOE_EINPUT; MOE_EFORMAT when the size is no multiple of the
 * width or the header is not of a flat array of such ids.
 */
int shard_open(struct moe_err *err, struct shard *s, const char *path,
               int64_t V, int width);
void shard_close(struct shard *s);

/* n ids from token `start`; MOE_EFORMAT names an id outside [0, V) and its
 * place, MOE_EINVAL a range outside the shard. */
int shard_read(struct moe_err *err, const struct shard *s, uint64_t start,
               size_t n, int32_t *out);

/* Windows of T tokens; the rest after the last one is dropped. */
uint64_t shard_windows(const struct shard *s, uint64_t T);

/* Fill `document` from the index beside the shard, or, when there is none,
 * from the places of eos; what follows the last eos is a document too. */
int shard_documents(struct moe_err *err, struct shard *s, int32_t eos);

#endif
