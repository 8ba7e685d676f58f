/*
 * gemm_cpu.c - products by our CPU kernels, and how their program is built.
 */
#include "config.h"

#include "device/provider.h"

#include <stdio.h>
#include <string.h>

/* One program, since each costs a start of the compiler. */
#define PROGRAM                                                                \
    "gemm_tile"                                                                \
    "+"                                                                        \
    "gemm_cpu"                                                                 \
    "+"                                                                        \
    "experts_cpu"

/* Products for gradients, a program of their own: runs without training need
 * not build it. */
#define BACKWARD                                                               \
    "gemm_tile"                                                                \
    "+"                                                                        \
    "gemm_backward_tile"                                                       \
    "+"                                                                        \
    "gemm_backward_cpu"

enum {
    COLUMNS = 64, // NB
    ROWS = 384,   // RB, a multiple of EVEN
    TALL = 3,     // as many times the rows
    EVEN = 24,    // a multiple of both heights of a tile
    DEPTH = 1024, // KB
    SIDE = 264,   // of cl/gemm_backward_tile.cl, as the next two
    WIDE = 2 * COLUMNS,
    STEPS = 4,      // DEEP of them in KB
    SHORT = 8,      // steps of a dense product in KB: rounds less than DEEP
    GROUPS = 8,     // a core, so that all are busy to the end
    SHALLOW = 64,   // the least depth that is worth a block
    DOT_GROUPS = 64 // PoCL hands out fewer to one thread only
};

/* Rows of a tile: 6 x 2 sums beside the operands fill 16 registers, 8 x 2 of
 * 32 measure best with AVX-512. */
static int
tile_rows(uint32_t vector_bits)
{
    return vector_bits == 512 ? 8 : 6;
}

/* Bytes of local memory of the largest kernel: a panel and sums; or columns and
 * a side of less depth, and a little. */
static uint64_t
local_need(uint64_t depth)
{
    uint64_t forward = (depth + ROWS) * COLUMNS;
    uint64_t backward = (depth / STEPS + 2) * (WIDE + SIDE);
    return sizeof(float) * (forward > backward ? forward : backward);
}

bool
gemm_cpu_tile(struct moe_ctx *ctx, struct cpu_tile *t)
{
    const struct device_info *info = ctx_device(ctx);
    if (info->kind != DEVICE_CPU || strcmp(info->vendor_key, "pocl") != 0)
        return false;
    int floats = info->vector_bits > 128 ? (int)info->vector_bits / 32 : 4;
    int rows = tile_rows(info->vector_bits), depth = DEPTH;
    while (local_need((uint64_t)depth) > info->local_bytes)
        if ((depth /= 2) < SHALLOW)
            return false;
    *t = (struct cpu_tile){PROGRAM, "", COLUMNS, ROWS, depth};
    snprintf(t->options, sizeof t->options,
             "-DVW=%d -DNV=2 -DMR=%d -DKB=%d -DNB=%d -DRB=%d", floats, rows,
             depth, COLUMNS, ROWS);
    return program_available(ctx, t->program, t->options);
}

int
gemm_cpu_rows(const struct cpu_tile *t, int64_t k)
{
    return k <= t->depth ? TALL * t->rows : t->rows;
}

static bool
takes(struct moe_ctx *ctx, const struct gemm *g)
{
    struct cpu_tile t;
    (void)g;
    return gemm_cpu_tile(ctx, &t);
}

/* Rows of a block: as many as packing wants, fewer where the cores would not
 * all have work; about as many in each. */
static uint64_t
block_rows(struct moe_ctx *ctx, const struct gemm *g, const struct cpu_tile *t,
           uint64_t across)
{
    uint64_t rows = (uint64_t)gemm_cpu_rows(t, g->k);
    uint64_t want = 4 * ctx_device(ctx)->compute_units;
    while (rows > ROWS / 8 && across * ((uint64_t)g->m / rows + 1) < want)
        rows /= 2;
    uint64_t m = (uint64_t)g->m, blocks = (m + rows - 1) / rows;
    return ((m + blocks - 1) / blocks + EVEN - 1) / EVEN * EVEN;
}

static bool
is_few(const struct gemm *g)
{
    return g->op == GEMM_NT && g->m <= GEMM_FEW && !g->steady;
}

/* Columns of a group of the dot kernel, a multiple of its tile's two. */
static uint64_t
dot_columns(const struct gemm *g)
{
    uint64_t columns = ((uint64_t)g->n / DOT_GROUPS + 1) & ~(uint64_t)1;
    return columns < 2 ? 2 : columns > COLUMNS ? COLUMNS : columns;
}

static void
put_operands(struct launch *l, const struct gemm *g)
{
    launch_tensor(l, &g->c);
    launch_tensor(l, &g->a);
    launch_tensor(l, &g->b);
    launch_tensor(l, &g->bias);
    launch_int(l, g->m);
    launch_int(l, g->n);
    launch_int(l, g->k);
    launch_ulong(l, (uint64_t)g->ldc);
    launch_ulong(l, (uint64_t)g->lda);
    launch_ulong(l, (uint64_t)g->ldb);
    launch_int(l, g->b.dtype);
    launch_int(l, g->bias.buf != NULL);
    launch_int(l, g->accumulate);
}

static uint64_t
parts(uint64_t n, uint64_t size)
{
    return (n + size - 1) / size;
}

/* Steps of about the same depth, at most `most`. */
static uint64_t
even(uint64_t k, uint64_t most)
{
    return parts(k, parts(k, most));
}

/* NN and TN: blocks of as many rows as a side holds, and of all columns unless
 * that makes too few of them. */
static int
run_backward(struct moe_ctx *ctx, const struct gemm *g,
             const struct cpu_tile *t)
{
    uint64_t m = (uint64_t)g->m, n = (uint64_t)g->n, k = (uint64_t)g->k;
    uint64_t block = parts(even(m, SIDE), EVEN) * EVEN, wide = n;
    uint64_t want = GROUPS * ctx_device(ctx)->compute_units;
    while (wide > WIDE && parts(m, block) * parts(n, wide) < want)
        wide = parts(wide / 2, WIDE) * WIDE;
    while (block > EVEN && parts(m, block) * parts(n, wide) < want)
        block = parts(block / 2, EVEN) * EVEN;
    struct launch l;
    launch_begin_in(ctx, &l, BACKWARD, t->options, "gemm_cpu_kn");
    put_operands(&l, g);
    launch_int(&l, (int64_t)wide);
    launch_int(&l, (int64_t)block);
    launch_int(&l, (int64_t)even(k, (uint64_t)t->depth / SHORT));
    launch_int(&l, g->op == GEMM_TN);
    return launch_singles(&l, parts(n, wide), parts(m, block));
}

static int
run(struct moe_ctx *ctx, const struct gemm *g)
{
    struct cpu_tile t;
    if (!gemm_cpu_tile(ctx, &t))
        return moe_fail(moe_ctx_err(ctx), MOE_EBUILD,
                        "gemm: no CPU kernels on %s", ctx_device(ctx)->name);
    if (g->op != GEMM_NT)
        return run_backward(ctx, g, &t);
    uint64_t m = (uint64_t)g->m, n = (uint64_t)g->n;
    uint64_t across = parts(n, COLUMNS);
    uint64_t block =
        is_few(g) ? dot_columns(g) : block_rows(ctx, g, &t, across);
    struct launch l;
    launch_begin_in(ctx, &l, t.program, t.options,
                    is_few(g) ? "gemm_cpu_dot" : "gemm_cpu");
    put_operands(&l, g);
    launch_int(&l, (int64_t)block);
    return is_few(g) ? launch_singles(&l, parts(n, block), 1)
                     : launch_singles(&l, across, parts(m, block));
}

const struct provider provider_cpu = {"cpu", takes, run, true};
