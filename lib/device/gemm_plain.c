/*
 * gemm_plain.c - products by the kernel that runs anywhere.
 */
#include "config.h"

#include "device/provider.h"

/* As cl/gemm.cl: an item computes 4 x 4 outputs, at most 8 items across. */
enum { ACROSS = 8, EACH = 4 };

int
gemm_block_columns(const struct moe_ctx *ctx)
{
    size_t group = ctx_group(ctx);
    return EACH * (int)(group < ACROSS ? group : ACROSS);
}

int
gemm_block_rows(const struct moe_ctx *ctx)
{
    return EACH * EACH * (int)ctx_group(ctx) / gemm_block_columns(ctx);
}

static bool
takes(struct moe_ctx *ctx, const struct gemm *g)
{
    (void)ctx;
    (void)g;
    return true;
}

static int
run(struct moe_ctx *ctx, const struct gemm *g)
{
    uint64_t rows = (uint64_t)gemm_block_rows(ctx);
    uint64_t columns = (uint64_t)gemm_block_columns(ctx);
    uint64_t m = (uint64_t)g->m, n = (uint64_t)g->n;
    struct launch l;
    launch_begin(ctx, &l, "gemm_plain");
    launch_tensor(&l, &g->c);
    launch_tensor(&l, &g->a);
    launch_tensor(&l, &g->b);
    launch_tensor(&l, &g->bias);
    launch_int(&l, g->m);
    launch_int(&l, g->n);
    launch_int(&l, g->k);
    launch_ulong(&l, (uint64_t)g->ldc);
    launch_ulong(&l, g->op == GEMM_TN ? 1 : (uint64_t)g->lda);
    launch_ulong(&l, g->op == GEMM_TN ? (uint64_t)g->lda : 1);
    launch_ulong(&l, g->op == GEMM_NT ? (uint64_t)g->ldb : 1);
    launch_ulong(&l, g->op == GEMM_NT ? 1 : (uint64_t)g->ldb);
    launch_int(&l, g->b.dtype);
    launch_int(&l, g->bias.buf != NULL);
    launch_int(&l, g->accumulate);
    return launch_groups_2d(&l, (n + columns - 1) / columns,
                            (m + rows - 1) / rows);
}

const struct provider provider_plain = {"plain", takes, run, false};
