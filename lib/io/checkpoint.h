/*
 * checkpoint.h - the weights of a directory: one safetensors file, or shards
 * named by an index.
 */
#ifndef IO_CHECKPOINT_H
#define IO_CHECKPOINT_H

#include "io/safetensors.h"

/* A tensor of one of the files. */
struct ck_tensor {
    const struct st_tensor *st; // borrowed
    size_t file;                // in checkpoint.file
    bool used;                  // the reader's mark
};

struct checkpoint {
    char *dir;
    struct safetensors *file;
    size_t files;
    struct ck_tensor *tensor; // of all files, sorted by name
    size_t n;
};

/*
 * Map DIR/model.safetensors or, without it, every shard that
 * DIR/model.safetensors.index.json names; or an adapter and its base
 * (io/overlay.h).
 *
 * MOE_EINPUT when neither is there or a shard is missing; MOE_EFORMAT for a
 * tensor in two shards, one that the index puts elsewhere, and one that the
 * index lacks or promises in vain.
 */
int checkpoint_open(struct moe_err *err, struct checkpoint **out,
                    const char *dir);
void checkpoint_close(struct checkpoint **cp);

/* The pages of its files need not stay in memory. */
void checkpoint_forget(const struct checkpoint *c);

/* The tensor of this name, or NULL. */
struct ck_tensor *checkpoint_find(const struct checkpoint *c, const char *name);

/* Bytes of all tensors. */
uint64_t checkpoint_bytes(const struct checkpoint *c);

#endif
