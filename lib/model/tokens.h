/*
 * tokens.h - token ids from a file as a rectangle.
 */
#ifndef MODEL_TOKENS_H
#define MODEL_TOKENS_H

#include <polymoe/model.h>

/* Token ids as a rectangle.  Zero it to start. */
struct token_batch {
    int32_t *id; // (B,T), owned
    int64_t B, T;
    int64_t left_out; // ids of the file that did not fill a row
};

/*
 * Read token ids.
 *
 * PATH.safetensors: its tensor input_ids (B,T) i32.  Any other file is a shard
 * (data/shard.h), cut into rows of `window`; 0: one row of all ids, at most
 * max_positions.
 */
int tokens_read(struct moe_err *err, struct token_batch *out, const char *path,
                const struct moe_config *config, int64_t window);

/* The same from n ids in memory; `name` stands in errors. */
int tokens_cut(struct moe_err *err, struct token_batch *out, const char *name,
               const int32_t *id, int64_t n, const struct moe_config *config,
               int64_t window);
void tokens_free(struct token_batch *b);

#endif
