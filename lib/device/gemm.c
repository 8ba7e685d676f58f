/*
 * gemm.c - check a product, choose who does it.
 */
#include "config.h"

#include "device/provider.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const struct provider *const providers[GEMM_PROVIDERS] = {
    [GEMM_PLAIN] = &provider_plain,
    [GEMM_CLBLAST] = &provider_clblast,
    [GEMM_CPU] = &provider_cpu,
};

/* First that takes the product. */
static const enum gemm_provider order_cpu[] = {GEMM_CPU, GEMM_PLAIN,
                                               GEMM_PROVIDERS};
static const enum gemm_provider order_gpu[] = {GEMM_CLBLAST, GEMM_PLAIN,
                                               GEMM_PROVIDERS};

const char *
gemm_provider_name(enum gemm_provider p)
{
    return providers[p]->name;
}

/* ---- Checks ------------------------------------------------------------- */

static bool
fits_int(int64_t x)
{
    return x >= 0 && x <= INT_MAX;
}

static bool
is_float(enum dtype t)
{
    return t == DTYPE_F32 || t == DTYPE_BF16 || t == DTYPE_F16;
}

/* A copy with all strides given; false for what no provider takes. */
static bool
complete(struct gemm *out, const struct gemm *g)
{
    *out = *g;
    int64_t a_row = g->op == GEMM_TN ? g->m : g->k;
    int64_t b_row = g->op == GEMM_NT ? g->k : g->n;
    out->ldc = g->ldc ? g->ldc : g->n;
    out->lda = g->lda ? g->lda : a_row;
    out->ldb = g->ldb ? g->ldb : b_row;
    return fits_int(g->m) && fits_int(g->n) && fits_int(g->k) &&
           out->ldc >= g->n && out->lda >= a_row && out->ldb >= b_row &&
           g->c.dtype == DTYPE_F32 && g->a.dtype == DTYPE_F32 &&
           is_float(g->b.dtype) && (!g->bias.buf || g->bias.dtype == DTYPE_F32);
}

static int
refuse(struct moe_ctx *ctx, const struct gemm *g)
{
    return moe_fail(moe_ctx_err(ctx), MOE_EINVAL,
                    "gemm: (%" PRId64 ", %" PRId64 ", %" PRId64
                    ") of types %s = %s %s with strides %" PRId64 ", %" PRId64
                    ", %" PRId64 ": want f32 C, A and bias, a float B, and "
                    "strides of a row or more",
                    g->m, g->n, g->k, dtype_name(g->c.dtype),
                    dtype_name(g->a.dtype), dtype_name(g->b.dtype), g->ldc,
                    g->lda, g->ldb);
}

int
gemm_start(struct moe_ctx *ctx, const struct gemm *g)
{
    struct launch l;
    launch_begin(ctx, &l, "gemm_start");
    launch_tensor(&l, &g->c);
    launch_tensor(&l, &g->bias);
    launch_int(&l, g->m);
    launch_int(&l, g->n);
    launch_ulong(&l, (uint64_t)g->ldc);
    launch_int(&l, g->bias.buf != NULL);
    launch_int(&l, g->accumulate);
    return launch_items(&l, (uint64_t)g->m * (uint64_t)g->n);
}

/* ---- Choice ------------------------------------------------------------- */

/* *out is what POLYMOE_GEMM names, GEMM_PROVIDERS when it names nothing. */
static int
forced(struct moe_ctx *ctx, enum gemm_provider *out)
{
    const char *name = getenv("POLYMOE_GEMM");
    *out = GEMM_PROVIDERS;
    if (!name || !*name)
        return MOE_OK;
    for (enum gemm_provider p = 0; p < GEMM_PROVIDERS; p++)
        if (strcmp(name, providers[p]->name) == 0) {
            *out = p;
            return MOE_OK;
        }
    return moe_fail(moe_ctx_err(ctx), MOE_EINVAL,
                    "POLYMOE_GEMM: found '%s', want plain, clblast or cpu",
                    name);
}

static enum gemm_provider
choose(struct moe_ctx *ctx, const struct gemm *g)
{
    const enum gemm_provider *p =
        ctx_device(ctx)->kind == DEVICE_CPU ? order_cpu : order_gpu;
    while (*p != GEMM_PLAIN && !providers[*p]->takes(ctx, g))
        p++;
    return *p;
}

bool
gemm_provider_takes(struct moe_ctx *ctx, enum gemm_provider p,
                    const struct gemm *g)
{
    struct gemm full;
    return complete(&full, g) && providers[p]->takes(ctx, &full);
}

int
gemm_run_with(struct moe_ctx *ctx, enum gemm_provider p, const struct gemm *g)
{
    struct gemm full;
    if (!complete(&full, g))
        return refuse(ctx, g);
    if (g->m == 0 || g->n == 0)
        return MOE_OK;
    if (g->k == 0)
        return gemm_start(ctx, &full);
    if (!providers[p]->takes(ctx, &full))
        return moe_fail(moe_ctx_err(ctx), MOE_EINVAL,
                        "gemm: provider '%s' does not do this product on %s",
                        providers[p]->name, ctx_device(ctx)->name);
    return providers[p]->run(ctx, &full);
}

/* g with all strides, and who does it. */
static int
prepare(struct moe_ctx *ctx, const struct gemm *g, struct gemm *full,
        enum gemm_provider *p)
{
    int rc = forced(ctx, p);
    if (rc)
        return rc;
    if (!complete(full, g))
        return refuse(ctx, g);
    if (*p == GEMM_PROVIDERS)
        *p = choose(ctx, full);
    return MOE_OK;
}

int
gemm_run(struct moe_ctx *ctx, const struct gemm *g)
{
    struct gemm full;
    enum gemm_provider p;
    int rc = prepare(ctx, g, &full, &p);
    return rc ? rc : gemm_run_with(ctx, p, &full);
}

int
gemm_run_long(struct moe_ctx *ctx, const struct gemm *g)
{
    struct gemm part;
    enum gemm_provider p;
    int rc = prepare(ctx, g, &part, &p);
    if (rc)
        return rc;
    if (g->k <= GEMM_TERMS || (providers[p]->stepped && g->op != GEMM_NT))
        return gemm_run_with(ctx, p, &part);
    for (int64_t k = 0; !rc && k < g->k; k += GEMM_TERMS) {
        part.k = g->k - k < GEMM_TERMS ? g->k - k : GEMM_TERMS;
        rc = gemm_run_with(ctx, p, &part);
        part.accumulate = true;
        part.bias = (struct tensor){0};
        part.a.offset += (uint64_t)(part.k * (g->op == GEMM_TN ? part.lda : 1));
        part.b.offset += (uint64_t)(part.k * (g->op == GEMM_NT ? 1 : part.ldb));
    }
    return rc;
}
