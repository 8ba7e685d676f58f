/*
 * blas.c - CLBlast in row-major clothes.
 */
#include "config.h"

#include "device/blas.h"

#include <inttypes.h>
#include <limits.h>
#include <pthread.h>

#include "device/internal.h"

#include <clblast_c.h>

/* CLBlast keeps compiled routines for the whole process, and version 1.5.3
 * fails when two threads compile the same one: one call at a time. */
static pthread_mutex_t clblast_lock = PTHREAD_MUTEX_INITIALIZER;

/* clang-format off */
#define BLAS_STATUS_MAP(XX)                                           \
    XX(CLBlastInvalidMatrixA, "A is not a buffer")                    \
    XX(CLBlastInvalidMatrixB, "B is not a buffer")                    \
    XX(CLBlastInvalidMatrixC, "C is not a buffer")                    \
    XX(CLBlastInvalidDimension, "a size is zero")                     \
    XX(CLBlastInvalidLeadDimA, "the stride of A is below its row")    \
    XX(CLBlastInvalidLeadDimB, "the stride of B is below its row")    \
    XX(CLBlastInvalidLeadDimC, "the stride of C is below its row")    \
    XX(CLBlastInsufficientMemoryA, "A ends beyond its buffer")        \
    XX(CLBlastInsufficientMemoryB, "B ends beyond its buffer")        \
    XX(CLBlastInsufficientMemoryC, "C ends beyond its buffer")        \
    XX(CLBlastInsufficientMemoryTemp, "no room for a temporary")      \
    XX(CLBlastInvalidLocalMemUsage, "too much local memory")          \
    XX(CLBlastInvalidOverrideKernel, "unknown kernel to override")    \
    XX(CLBlastMissingOverrideParameter, "a parameter is missing")     \
    XX(CLBlastDatabaseError, "no parameters for this device")         \
    XX(CLBlastUnexpectedError, "an unexpected error")                 \
    XX(CLBlastUnknownError, "an unknown error")
/* clang-format on */

static const char *
words(CLBlastStatusCode status)
{
    switch ((int)status) {
#define XX(code, text)                                                         \
    case code:                                                                 \
        return text;
        BLAS_STATUS_MAP(XX)
#undef XX
    default:
        return opencl_words((cl_int)status);
    }
}

static int
fail(struct moe_ctx *ctx, CLBlastStatusCode status, const char *what)
{
    return moe_fail(&ctx->err, MOE_EBLAS, "%s: CLBlast, %s: %s (%d)",
                    ctx->info.name, what, words(status), (int)status);
}

/* ---- Parameters --------------------------------------------------------- */

/* Measured on x86 CPUs under PoCL: no local memory (it is ordinary memory
 * there), wide vectors, and the tiled kernel at every size.  CLBlast's own
 * entry for these devices is the generic one. */
static CLBlastStatusCode
override_parameters(cl_device_id device)
{
    static const char *const name[] = {
        "GEMMK", "KREG", "KWG", "KWI", "MDIMA", "MDIMC", "MWG", "NDIMB",
        "NDIMC", "NWG",  "SA",  "SB",  "STRM",  "STRN",  "VWM", "VWN"};
    static const size_t value[] = {0, 1,   32, 2, 8, 8, 64, 32,
                                   8, 128, 0,  0, 0, 0, 8,  4};
    static const char *const routine[] = {"XGEMM_MIN_INDIRECT_SIZE"};
    static const size_t always[] = {1};
    CLBlastStatusCode status = CLBlastOverrideParameters(
        device, "Xgemm", CLBlastPrecisionSingle, sizeof value / sizeof *value,
        (const char **)(uintptr_t)name, value);
    if (status == CLBlastSuccess)
        status = CLBlastOverrideParameters(
            device, "GemmRoutine", CLBlastPrecisionSingle, 1,
            (const char **)(uintptr_t)routine, always);
    return status;
}

static int
prepare(struct moe_ctx *ctx)
{
    if (ctx->blas_ready)
        return MOE_OK;
    CLBlastStatusCode status = CLBlastSuccess;
    if (ctx->info.kind == DEVICE_CPU)
        status = override_parameters(ctx->device);
    if (status != CLBlastSuccess)
        return fail(ctx, status, "parameters");
    ctx->blas_ready = true;
    return MOE_OK;
}

/* ---- Products ----------------------------------------------------------- */

/* A matrix as it lies in memory. */
struct lying {
    int64_t rows, cols, ld;
    uint64_t offset;
};

static struct lying
lie(const struct tensor *t, int64_t rows, int64_t cols, int64_t ld)
{
    return (struct lying){rows, cols, ld ? ld : cols, t->offset};
}

static struct lying
lying_c(const struct blas_gemm *g)
{
    return lie(&g->c, g->m, g->n, g->ldc);
}

static struct lying
lying_a(const struct blas_gemm *g)
{
    return lie(&g->a, g->ta ? g->k : g->m, g->ta ? g->m : g->k, g->lda);
}

static struct lying
lying_b(const struct blas_gemm *g)
{
    return lie(&g->b, g->tb ? g->n : g->k, g->tb ? g->k : g->n, g->ldb);
}

/* Its last index, and so every one, fits in 31 bits. */
static bool
fits(const struct lying *x)
{
    if (x->rows > INT_MAX || x->cols > INT_MAX || x->ld > INT_MAX ||
        x->offset > INT_MAX)
        return false;
    int64_t last = (x->rows ? x->rows - 1 : 0) * x->ld + x->cols;
    return last <= INT_MAX - (int64_t)x->offset;
}

bool
blas_takes(const struct blas_gemm *g)
{
    struct lying c = lying_c(g), a = lying_a(g), b = lying_b(g);
    return g->m >= 0 && g->n >= 0 && g->k >= 0 && c.ld >= c.cols &&
           a.ld >= a.cols && b.ld >= b.cols && g->c.dtype == DTYPE_F32 &&
           g->a.dtype == DTYPE_F32 && g->b.dtype == DTYPE_F32 && fits(&c) &&
           fits(&a) && fits(&b);
}

static CLBlastTranspose
transpose(bool yes)
{
    return yes ? CLBlastTransposeYes : CLBlastTransposeNo;
}

/* One product; several kernels may run, `event` is of the last. */
static CLBlastStatusCode
multiply(struct moe_ctx *ctx, const struct blas_gemm *g, cl_event *event)
{
    struct lying c = lying_c(g), a = lying_a(g), b = lying_b(g);
    return CLBlastSgemm(
        CLBlastLayoutRowMajor, transpose(g->ta), transpose(g->tb), (size_t)g->m,
        (size_t)g->n, (size_t)g->k, 1.0f, buffer_cl(g->a.buf), (size_t)a.offset,
        (size_t)a.ld, buffer_cl(g->b.buf), (size_t)b.offset, (size_t)b.ld,
        g->beta, buffer_cl(g->c.buf), (size_t)c.offset, (size_t)c.ld,
        &ctx->queue, event);
}

/* A marker before, so that every kernel of the product is counted. */
static int
multiply_timed(struct moe_ctx *ctx, const struct blas_gemm *g)
{
    cl_event from, to = NULL;
    cl_int marked = clEnqueueMarkerWithWaitList(ctx->queue, 0, NULL, &from);
    if (marked)
        return ctx_fail_cl(ctx, marked, "timing a product");
    CLBlastStatusCode status = multiply(ctx, g, &to);
    if (status != CLBlastSuccess) {
        clReleaseEvent(from);
        return fail(ctx, status, "sgemm");
    }
    return profile_add_span(ctx, "clblast_sgemm", from, to);
}

/* C = beta C, for k = 0. */
static int
scale(struct moe_ctx *ctx, const struct blas_gemm *g)
{
    struct lying c = lying_c(g);
    int rc = MOE_OK;
    if (g->beta == 1.0f)
        return MOE_OK;
    for (int64_t i = 0; !rc && i < g->m; i++) {
        uint64_t at = c.offset + (uint64_t)(i * c.ld);
        if (g->beta == 0.0f) {
            rc = buffer_zero(g->c.buf, at * 4, (uint64_t)g->n * 4);
            continue;
        }
        CLBlastStatusCode status =
            CLBlastSscal((size_t)g->n, g->beta, buffer_cl(g->c.buf), (size_t)at,
                         1, &ctx->queue, NULL);
        if (status != CLBlastSuccess)
            rc = fail(ctx, status, "sscal");
    }
    return rc;
}

static int
run(struct moe_ctx *ctx, const struct blas_gemm *g)
{
    int rc = prepare(ctx);
    if (rc)
        return rc;
    if (g->k == 0)
        return scale(ctx, g);
    if (ctx->profile)
        return multiply_timed(ctx, g);
    CLBlastStatusCode status = multiply(ctx, g, NULL);
    return status == CLBlastSuccess ? MOE_OK : fail(ctx, status, "sgemm");
}

int
blas_sgemm(struct moe_ctx *ctx, const struct blas_gemm *g)
{
    if (!blas_takes(g))
        return moe_fail(&ctx->err, MOE_EINVAL,
                        "sgemm: (%" PRId64 ", %" PRId64 ", %" PRId64
                        ") with strides %" PRId64 ", %" PRId64 ", %" PRId64
                        ": CLBlast wants f32, strides of a row or more and "
                        "indices below 2^31",
                        g->m, g->n, g->k, g->ldc, g->lda, g->ldb);
    if (g->m == 0 || g->n == 0)
        return MOE_OK;
    pthread_mutex_lock(&clblast_lock);
    int rc = run(ctx, g);
    pthread_mutex_unlock(&clblast_lock);
    return rc;
}
