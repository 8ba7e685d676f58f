/*
 * eval_run.c - the run that scoring and generation share: how large.
 */
#include "config.h"

#include "eval/score.h"

#include <stdlib.h>

#include "model/run.h"

static const uint64_t CACHE_BYTES = UINT64_C(256) << 20;
enum { PASS_TOKENS = 2048 };

struct moe_run_options
eval_run_shape(const struct device_info *device, const struct moe_config *c,
               const struct eval_run_options *opt)
{
    const uint64_t row = (uint64_t)(2 * c->L * c->G * c->S) * sizeof(float);
    const uint64_t most = device->max_alloc_bytes;
    uint64_t bytes = opt->cache_bytes ? opt->cache_bytes : CACHE_BYTES;
    if (bytes / 2 > most) // keys and values are an allocation each
        bytes = 2 * most;
    int64_t length = opt->max_length && opt->max_length < c->max_positions
                         ? opt->max_length
                         : c->max_positions;
    int64_t rows = (int64_t)(bytes / row);
    struct moe_run_options run = {.B = 1,
                                  .T = opt->pass_tokens ? opt->pass_tokens
                                                        : PASS_TOKENS,
                                  .steady = !opt->quick};
    if (rows > 1 << 20)
        rows = 1 << 20;
    run.cache = rows < length ? length : rows;
    return run;
}

int
eval_run_create(struct moe_run **out, struct moe_model *model,
                const struct eval_run_options *opt)
{
    const struct moe_run_options run =
        eval_run_shape(ctx_device(model->ctx), &model->config, opt);
    return moe_run_create(out, model, &run);
}

int64_t
eval_run_length(const struct moe_run *run)
{
    const int64_t most = run->model->config.max_positions;
    return run->opt.cache < most ? run->opt.cache : most;
}
