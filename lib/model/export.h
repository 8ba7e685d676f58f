/*
 * export.h - a model written as a Hugging Face directory: config.json and
 * safetensors, single or sharded.
 */
#ifndef MODEL_EXPORT_H
#define MODEL_EXPORT_H

#include "model/params.h"

/* Elements [at, at + n) of a parameter, as f32.  A code other than MOE_OK
 * ends the export. */
typedef int export_read_fn(struct moe_err *err, void *arg,
                           const struct param *p, uint64_t at, float *out,
                           size_t n);

/* The type that a parameter is written in: F32, BF16 or F16. */
typedef enum dtype export_type_fn(const void *arg, const struct param *p);

struct export_options {
    enum dtype dtype;     // of every tensor, and of the config
    export_type_fn *type; // of each tensor instead; NULL: all have dtype
    uint64_t shard_bytes; // largest shard; 0: one file
    export_read_fn *read;
    void *arg; // of read and type
};

/* Elements converted at a time. */
enum { EXPORT_CHUNK = 1 << 16 };

struct st_writer;

/* All `elements` of a parameter as entry i of a file, in a type, through x and
 * y: room for EXPORT_CHUNK numbers of f32 each. */
int export_param(struct moe_err *err, struct st_writer *w, size_t i,
                 const struct param *p, uint64_t elements, enum dtype type,
                 export_read_fn *read, void *arg, float *x, void *y);

/*
 * Write config.json and every parameter to `dir`, which is made if missing.
 *
 * The config keeps every key of config->source, known or not; only `dtype` is
 * set to what is written (and torch_dtype with it, where it stands).  A
 * parameter larger than shard_bytes gets a shard of its own.  Each file
 * appears only when complete, the config last.
 *
 * MOE_EIO, MOE_ENOMEM, or what `read` returned.
 */
int export_model(struct moe_err *err, const char *dir,
                 const struct moe_config *config,
                 const struct export_options *opt);

/* Copy the tokenizer's files and the generation settings that stand beside a
 * model (a directory, or its config.json) to `dir`; missing ones are left out.
 * tokenizer: the tokenizer.json that was used instead, or NULL. */
int export_carry(struct moe_err *err, const char *dir, const char *model,
                 const char *tokenizer);

#endif
