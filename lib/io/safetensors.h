/*
 * safetensors.h - tensor files: mapped to read, written by rename.
 *
 * A file is u64 N, N bytes of a JSON object that gives type, shape and place
 * of every tensor, then the data, row-major and little endian.  The reader
 * believes nothing: sizes against shapes, ranges without gap or overlap from
 * the first data byte to the last of the file, no key twice.
 *
 * Source: the format's description at huggingface/safetensors.
 */
#ifndef IO_SAFETENSORS_H
#define IO_SAFETENSORS_H

#include <jansson.h>

#include "base/fs.h"
#include "tensor/tensor.h"

enum { SAFETENSORS_RANK = 8 };

/* A tensor as the file has it.  Everything is borrowed from the file. */
struct st_tensor {
    const char *name;
    const char *type;              // "BF16"; any type of the format
    int dtype;                     // enum dtype, or -1: we only know its size
    int rank;                      // 0 .. SAFETENSORS_RANK
    int64_t dim[SAFETENSORS_RANK]; // unused ones are 1
    uint64_t begin, end;           // bytes after the header
    const unsigned char *data;     // end - begin bytes, any alignment
};

struct safetensors {
    struct fs_map map;
    char *path;
    json_t *header;
    const json_t *metadata;   // of strings; NULL when the file has none
    struct st_tensor *tensor; // sorted by name
    size_t n;
};

/* Map a file and check it.  MOE_EINPUT when it cannot be read, MOE_EFORMAT
 * with the tensor, what was found and what was wanted. */
int safetensors_open(struct moe_err *err, struct safetensors *st,
                     const char *path);
void safetensors_close(struct safetensors *st);

/* The tensor of this name, or NULL. */
const struct st_tensor *safetensors_find(const struct safetensors *st,
                                         const char *name);

/* The tensor of this name; MOE_EFORMAT unless it is there with this type and
 * rank. */
int safetensors_get(struct moe_err *err, const struct st_tensor **out,
                    const struct safetensors *st, const char *name,
                    enum dtype dtype, int rank);

/* ---- Writing ------------------------------------------------------------ */

/* A tensor to be written. */
struct st_entry {
    const char *name;
    enum dtype dtype;
    int rank;
    int64_t dim[SAFETENSORS_RANK];
    uint64_t begin, end; // set by safetensors_create(), bytes after the header
};

struct st_writer {
    struct fs_writer w;
    struct st_entry *entry; // borrowed
    size_t n;
    uint64_t data_at; // first data byte in the file
    uint64_t total;   // data bytes there will be
    uint64_t done;    // data bytes written
};

/*
 * Begin a file with n tensors in the order that readers expect: larger element
 * types first, then by name.  entry stays the caller's and in the caller's
 * order.  metadata (object of strings) may be NULL; "format": "pt" is added,
 * which transformers asks for.
 */
int safetensors_create(struct moe_err *err, struct st_writer *w,
                       const char *path, struct st_entry *entry, size_t n,
                       const json_t *metadata);
/* n bytes of entry[i] at byte `at` of its data; every byte is to be written
 * once, in any order. */
int safetensors_put(struct moe_err *err, struct st_writer *w, size_t i,
                    uint64_t at, const void *p, size_t n);
/* The file appears; MOE_EINVAL unless all of it was written. */
int safetensors_commit(struct moe_err *err, struct st_writer *w);
void safetensors_abort(struct st_writer *w);

#endif
