/*
 * tokens.c - token ids from a file as a rectangle.
 */
#include "model/tokens.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "data/shard.h"
#include "data/suffix.h"
#include "io/safetensors.h"

static int
from_safetensors(struct moe_err *err, struct token_batch *out, const char *path)
{
    struct safetensors st;
    const struct st_tensor *t;
    int rc = safetensors_open(err, &st, path);
    if (rc)
        return rc;
    rc = safetensors_get(err, &t, &st, "input_ids", DTYPE_I32, 2);
    if (!rc && (t->dim[0] < 1 || t->dim[1] < 1))
        rc = moe_fail(err, MOE_EFORMAT, "%s: input_ids is empty", path);
    if (!rc && !(out->id = mem_dup(t->data, (size_t)(t->end - t->begin))))
        rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    if (!rc) {
        out->B = t->dim[0];
        out->T = t->dim[1];
    }
    safetensors_close(&st);
    return rc;
}

int
tokens_cut(struct moe_err *err, struct token_batch *out, const char *name,
           const int32_t *id, int64_t n, const struct moe_config *config,
           int64_t window)
{
    *out = (struct token_batch){0};
    if (n < 1)
        return moe_fail(err, MOE_EFORMAT, "%s: no tokens", name);
    if (!window)
        window = n < config->max_positions ? n : config->max_positions;
    if (n < window)
        return moe_fail(err, MOE_EFORMAT,
                        "%s: %" PRId64
                        " tokens, fewer than one window of %" PRId64,
                        name, n, window);
    out->T = window;
    out->B = n / window;
    out->left_out = n % window;
    out->id = mem_dup(id, (size_t)(out->B * out->T) * sizeof *id);
    return out->id ? MOE_OK
                   : moe_fail(err, MOE_ENOMEM, "%s: out of memory", name);
}

static int
from_shard(struct moe_err *err, struct token_batch *out, const char *path,
           const struct moe_config *config, int64_t window)
{
    struct shard shard;
    int rc = shard_open(err, &shard, path, config->V, 0);
    if (rc)
        return rc;
    const size_t n = (size_t)shard.tokens;
    int32_t *id = mem_zero(n, sizeof *id);
    if (!id)
        rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    if (!rc)
        rc = shard_read(err, &shard, 0, n, id);
    if (!rc)
        rc = tokens_cut(err, out, path, id, (int64_t)n, config, window);
    free(id);
    shard_close(&shard);
    return rc;
}

int
tokens_read(struct moe_err *err, struct token_batch *out, const char *path,
            const struct moe_config *config, int64_t window)
{
    *out = (struct token_batch){0};
    if (suffix_is(path, ".safetensors"))
        return from_safetensors(err, out, path);
    return from_shard(err, out, path, config, window);
}

void
tokens_free(struct token_batch *b)
{
    free(b->id);
    *b = (struct token_batch){0};
}
