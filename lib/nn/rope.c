/*
 * rope.c - rotary positions and their table.
 */
#include "config.h"

#include "nn/nn.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

static int
turn(struct moe_ctx *ctx, const struct tensor *x, const struct tensor *table,
     int64_t B, int64_t T, int64_t H, int64_t S, float sign)
{
    struct launch l;
    assert(S % 2 == 0);
    launch_begin(ctx, &l, "rope_turn");
    launch_tensor(&l, x);
    launch_tensor(&l, table);
    launch_int(&l, T);
    launch_int(&l, H);
    launch_int(&l, S);
    launch_float(&l, sign);
    return launch_groups(&l, (uint64_t)B * (uint64_t)T);
}

int
rope_forward(struct moe_ctx *ctx, const struct tensor *x,
             const struct tensor *table, int64_t B, int64_t T, int64_t H,
             int64_t S)
{
    return turn(ctx, x, table, B, T, H, S, 1.0f);
}

int
rope_backward(struct moe_ctx *ctx, const struct tensor *dx,
              const struct tensor *table, int64_t B, int64_t T, int64_t H,
              int64_t S)
{
    return turn(ctx, dx, table, B, T, H, S, -1.0f);
}

/* Cos and sin of one position, rounded where Transformers rounds: exponent,
 * power, inverse frequency and angle are each an fp32 number. */
static void
fill_position(float *row, int64_t t, int64_t S, double theta)
{
    for (int64_t i = 0; i < S / 2; i++) {
        float exponent = (float)(2 * i) / (float)S;
        float power = (float)pow((double)(float)theta, (double)exponent);
        float angle = (float)t * (1.0f / power);
        row[2 * i] = (float)cos((double)angle);
        row[2 * i + 1] = (float)sin((double)angle);
    }
}

int
rope_table(struct moe_ctx *ctx, const struct tensor *table, int64_t T,
           int64_t S, double theta)
{
    float *host = mem_zero((size_t)tensor_count(table), sizeof *host);
    assert(S % 2 == 0 && tensor_count(table) == (uint64_t)T * (uint64_t)S);
    if (!host)
        return moe_fail(moe_ctx_err(ctx), MOE_ENOMEM,
                        "rope table: out of memory");
    for (int64_t t = 0; t < T; t++)
        fill_position(host + t * S, t, S, theta);
    int rc = tensor_write(table, host);
    free(host);
    return rc;
}
