/*
 * attention.c - causal attention and its gradients: the plain kernels, or those
 * for CPUs.
 */
#include "config.h"

#include "nn/nn.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The products are shared; forward alone need not wait for the compiler to
 * build the gradients. */
#define FORWARD                                                                \
    "attention_tile"                                                           \
    "+"                                                                        \
    "attention_cpu"
#define BACKWARD                                                               \
    "attention_tile"                                                           \
    "+"                                                                        \
    "attention_backward_cpu"

enum {
    OPTIONS = 64,
    BLOCKS = 2,         // of two vectors of rows: what an item takes on CPUs
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

/* A kernel and how its work is cut. */
struct version {
    struct launch l;
    int64_t rows; // of the CPU kernel's item, 0 for the plain one
    int64_t S;
};

/* The CPU kernel of a program, or the plain kernel where it is not for the
 * device. */
static void
version_begin(struct moe_ctx *ctx, struct version *v, const char *program,
              const char *kernel, const char *cpu_kernel, int64_t S)
{
    const int width = vector_width(ctx, S);
    char options[OPTIONS];
    snprintf(options, sizeof options, "-DVW=%d -DS=%d -DBLOCKS=%d", width,
             (int)S, BLOCKS);
    *v = (struct version){.S = S};
    if (width && program_available(ctx, program, options)) {
        v->rows = 2 * width * BLOCKS;
        launch_begin_in(ctx, &v->l, program, options, cpu_kernel);
    } else
        launch_begin(ctx, &v->l, kernel);
}

/* The sizes, then T rows of each of B `heads`. */
static int
version_run(struct version *v, int64_t B, int64_t T, int64_t H, int64_t G,
            int64_t heads)
{
    launch_int(&v->l, T);
    launch_int(&v->l, H);
    launch_int(&v->l, G);
    if (!v->rows)
        launch_int(&v->l, v->S);
    launch_float(&v->l, (float)(1 / sqrt((double)v->S)));
    if (!v->rows)
        return launch_groups(&v->l, (uint64_t)(B * T * heads));
    return launch_singles(&v->l, (uint64_t)((T + v->rows - 1) / v->rows),
                          (uint64_t)(B * heads));
}

int
attention_forward(struct moe_ctx *ctx, const struct tensor *out,
                  const struct tensor *lse, const struct tensor *q,
                  const struct tensor *k, const struct tensor *v, int64_t B,
                  int64_t T, int64_t H, int64_t G, int64_t S)
{
    struct version f;
    assert(H % G == 0 && S % 2 == 0);
    version_begin(ctx, &f, FORWARD, "attention_forward",
                  "attention_forward_cpu", S);
    launch_tensor(&f.l, out);
    launch_tensor(&f.l, lse);
    launch_tensor(&f.l, q);
    launch_tensor(&f.l, k);
    launch_tensor(&f.l, v);
    return version_run(&f, B, T, H, G, H);
}

int64_t
attention_tile_rows(struct moe_ctx *ctx, int64_t S)
{
    struct version f;
    version_begin(ctx, &f, FORWARD, "attention_packed", "attention_packed_cpu",
                  S);
    return f.rows ? f.rows : 1;
}

int
attention_packed(struct moe_ctx *ctx, const struct tensor *out,
                 const struct tensor *lse, const struct tensor *q,
                 const struct tensor *k, const struct tensor *v,
                 const struct packing *p, int64_t N, int64_t H, int64_t G,
                 int64_t S)
{
    struct version f;
    assert(H % G == 0 && S % 2 == 0);
    version_begin(ctx, &f, FORWARD, "attention_packed", "attention_packed_cpu",
                  S);
    launch_tensor(&f.l, out);
    launch_tensor(&f.l, lse);
    launch_tensor(&f.l, q);
    launch_tensor(&f.l, k);
    launch_tensor(&f.l, v);
    launch_tensor(&f.l, f.rows ? &p->tile : &p->key_row);
    if (!f.rows)
        launch_tensor(&f.l, &p->position);
    launch_int(&f.l, N);
    launch_int(&f.l, H);
    launch_int(&f.l, G);
    if (!f.rows)
        launch_int(&f.l, S);
    launch_float(&f.l, (float)(1 / sqrt((double)S)));
    if (!f.rows)
        return launch_groups(&f.l, (uint64_t)(N * H));
    return launch_singles(&f.l, (uint64_t)p->tiles, (uint64_t)H);
}

static int
delta_forward(struct moe_ctx *ctx, const struct tensor *delta,
              const struct tensor *dout, const struct tensor *out, int64_t B,
              int64_t T, int64_t H, int64_t S)
{
    const uint64_t rows = (uint64_t)(B * T * H);
    struct launch l;
    launch_begin(ctx, &l, "attention_delta");
    launch_tensor(&l, delta);
    launch_tensor(&l, dout);
    launch_tensor(&l, out);
    launch_ulong(&l, rows);
    launch_int(&l, T);
    launch_int(&l, H);
    launch_int(&l, S);
    return launch_items(&l, rows);
}

int
attention_backward(struct moe_ctx *ctx, const struct tensor *dq,
                   const struct tensor *dk, const struct tensor *dv,
                   const struct tensor *delta, const struct tensor *dout,
                   const struct tensor *out, const struct tensor *q,
                   const struct tensor *k, const struct tensor *v,
                   const struct tensor *lse, int64_t B, int64_t T, int64_t H,
                   int64_t G, int64_t S)
{
    const struct tensor *in[] = {dout, q, k, v, lse, delta};
    struct version keys, queries;
    assert(H % G == 0 && S % 2 == 0);
    int rc = delta_forward(ctx, delta, dout, out, B, T, H, S);
    if (rc)
        return rc;
    version_begin(ctx, &queries, BACKWARD, "attention_dq", "attention_dq_cpu",
                  S);
    launch_tensor(&queries.l, dq);
    for (size_t i = 0; i < sizeof in / sizeof *in; i++)
        launch_tensor(&queries.l, in[i]);
    rc = version_run(&queries, B, T, H, G, H);
    if (rc)
        return rc;
    version_begin(ctx, &keys, BACKWARD, "attention_dkdv", "attention_dkdv_cpu",
                  S);
    launch_tensor(&keys.l, dk);
    launch_tensor(&keys.l, dv);
    for (size_t i = 0; i < sizeof in / sizeof *in; i++)
        launch_tensor(&keys.l, in[i]);
    return version_run(&keys, B, T, H, G, G);
}
