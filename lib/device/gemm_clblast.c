/*
 * gemm_clblast.c - products by CLBlast, which wants f32.
 *
 * Weights of 16 bits are widened into a buffer of the context, as many rows at
 * a time as fit in it, and multiplied piece by piece.
 */
#include "config.h"

#include "device/provider.h"

#include "device/blas.h"
#include "device/internal.h"

enum { PIECE = 1 << 24 }; // elements that are widened at once, or one row

/* Without the bias, which gemm_start() puts in C. */
static struct blas_gemm
as_blas(const struct gemm *g)
{
    return (struct blas_gemm){
        .ta = g->op == GEMM_TN,
        .tb = g->op == GEMM_NT,
        .m = g->m,
        .n = g->n,
        .k = g->k,
        .c = g->c,
        .a = g->a,
        .b = g->b,
        .ldc = g->ldc,
        .lda = g->lda,
        .ldb = g->ldb,
        .beta = g->accumulate || g->bias.buf ? 1.0f : 0.0f,
    };
}

/* The part of a product that uses rows [row, row + rows) of B, taken from
 * `widened` when that is there. */
static struct blas_gemm
piece_of(const struct gemm *g, int64_t row, int64_t rows,
         struct buffer *widened)
{
    struct blas_gemm p = as_blas(g);
    if (g->op == GEMM_NT) {
        p.n = rows;
        p.c.offset += (uint64_t)row;
    } else {
        p.k = rows;
        p.a.offset += (uint64_t)(g->op == GEMM_TN ? row * g->lda : row);
        if (row)
            p.beta = 1.0f;
    }
    p.b = (struct tensor){.buf = widened, .dtype = DTYPE_F32};
    p.ldb = g->op == GEMM_NT ? g->k : g->n;
    return p;
}

static int64_t
piece_rows(const struct gemm *g)
{
    int64_t length = g->op == GEMM_NT ? g->k : g->n;
    int64_t all = g->op == GEMM_NT ? g->n : g->k;
    int64_t rows = PIECE / length > 0 ? PIECE / length : 1;
    return rows < all ? rows : all;
}

static bool
takes(struct moe_ctx *ctx, const struct gemm *g)
{
    (void)ctx;
    struct blas_gemm whole = as_blas(g);
    if (g->b.dtype == DTYPE_F32)
        return blas_takes(&whole);
    // Only C and A keep their indices; B is read by our kernel.
    whole.b = (struct tensor){.dtype = DTYPE_F32};
    whole.ldb = 0;
    whole.n = g->op == GEMM_NT ? 1 : g->n;
    struct blas_gemm c = whole;
    c.n = g->n;
    c.k = 1;
    return blas_takes(&whole) && blas_takes(&c);
}

static int
reserve(struct moe_ctx *ctx, uint64_t elements)
{
    if (ctx->widened && buffer_size(ctx->widened) / sizeof(float) >= elements)
        return MOE_OK;
    buffer_destroy(&ctx->widened);
    return buffer_create(ctx, &ctx->widened, elements * sizeof(float),
                         "widened weights");
}

static int
widen(struct moe_ctx *ctx, const struct gemm *g, int64_t row, int64_t rows)
{
    int64_t length = g->op == GEMM_NT ? g->k : g->n;
    struct launch l;
    launch_begin(ctx, &l, "gemm_widen");
    launch_buffer(&l, ctx->widened);
    launch_buffer(&l, g->b.buf);
    launch_ulong(&l, g->b.offset + (uint64_t)row * (uint64_t)g->ldb);
    launch_int(&l, rows);
    launch_int(&l, length);
    launch_ulong(&l, (uint64_t)g->ldb);
    launch_int(&l, g->b.dtype);
    return launch_items(&l, (uint64_t)rows * (uint64_t)length);
}

static int
run_widened(struct moe_ctx *ctx, const struct gemm *g)
{
    int64_t all = g->op == GEMM_NT ? g->n : g->k, step = piece_rows(g);
    int64_t length = g->op == GEMM_NT ? g->k : g->n;
    int rc = reserve(ctx, (uint64_t)step * (uint64_t)length);
    for (int64_t row = 0; !rc && row < all; row += step) {
        int64_t rows = all - row < step ? all - row : step;
        struct blas_gemm piece = piece_of(g, row, rows, ctx->widened);
        if (!(rc = widen(ctx, g, row, rows)))
            rc = blas_sgemm(ctx, &piece);
    }
    return rc;
}

static int
run(struct moe_ctx *ctx, const struct gemm *g)
{
    struct blas_gemm whole = as_blas(g);
    int rc = g->bias.buf ? gemm_start(ctx, g) : MOE_OK;
    if (rc)
        return rc;
    return g->b.dtype == DTYPE_F32 ? blas_sgemm(ctx, &whole)
                                   : run_widened(ctx, g);
}

const struct provider provider_clblast = {"clblast", takes, run, false};
