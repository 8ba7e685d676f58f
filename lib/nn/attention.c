/*
 * attention.c - causal attention: the plain kernel, or that for CPUs.
 */
#include "config.h"

#include "nn/nn.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTIONS = 64,
    BLOCKS = 2,         // of rows that an item of attention_cpu.cl takes
    LARGEST_HEAD = 512, // the rows and keys of an item lie on a thread's stack
};

/* Floats of a vector register, 0 where the CPU kernel is not for the device.
 * Compilers of other CPU drivers take seconds for its unrolled loops.
 * POLYMOE_ATTENTION=plain turns it off. */
static int
vector_width(struct moe_ctx *ctx, int64_t S)
{
    const struct device_info *info = ctx_device(ctx);
    const char *forced = getenv("POLYMOE_ATTENTION");
    if (forced && strcmp(forced, "plain") == 0)
        return 0;
    if (info->kind != DEVICE_CPU || strcmp(info->vendor_key, "pocl") != 0 ||
        S > LARGEST_HEAD)
        return 0;
    return info->vector_bits >= 512 ? 16 : info->vector_bits >= 256 ? 8 : 4;
}

static void
set_tensors(struct launch *l, const struct tensor *out,
            const struct tensor *lse, const struct tensor *q,
            const struct tensor *k, const struct tensor *v)
{
    launch_tensor(l, out);
    launch_tensor(l, lse);
    launch_tensor(l, q);
    launch_tensor(l, k);
    launch_tensor(l, v);
}

int
attention_forward(struct moe_ctx *ctx, const struct tensor *out,
                  const struct tensor *lse, const struct tensor *q,
                  const struct tensor *k, const struct tensor *v, int64_t B,
                  int64_t T, int64_t H, int64_t G, int64_t S)
{
    static const char program[] = "attention_cpu";
    const float scale = (float)(1 / sqrt((double)S));
    const int width = vector_width(ctx, S);
    char options[OPTIONS];
    struct launch l;
    assert(H % G == 0 && S % 2 == 0);
    snprintf(options, sizeof options, "-DVW=%d -DS=%d", width, (int)S);
    const bool cpu = width && program_available(ctx, program, options);
    if (cpu)
        launch_begin_in(ctx, &l, program, options, "attention_forward_cpu");
    else
        launch_begin(ctx, &l, "attention_forward");
    set_tensors(&l, out, lse, q, k, v);
    launch_int(&l, T);
    launch_int(&l, H);
    launch_int(&l, G);
    if (!cpu)
        launch_int(&l, S);
    launch_float(&l, scale);
    if (!cpu)
        return launch_groups(&l, (uint64_t)(B * T * H));
    const int64_t rows = 2 * width * BLOCKS;
    return launch_singles(&l, (uint64_t)((T + rows - 1) / rows),
                          (uint64_t)(B * H));
}
