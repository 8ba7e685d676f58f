/*
 * buffer.c - memory on the device: one allocation with its size and name.
 *
 * A buffer of no bytes has no cl_mem; every copy of no bytes is a success.
 */
#include "config.h"

#include "device/internal.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"

struct buffer {
    struct moe_ctx *ctx;
    cl_mem mem; // NULL while bytes is 0
    uint64_t bytes;
    uint64_t owned; // of them, what the device allocated
    char *name;     // for errors
};

cl_mem
buffer_cl(const struct buffer *b)
{
    return b ? b->mem : NULL;
}

uint64_t
buffer_size(const struct buffer *b)
{
    return b->bytes;
}

uint64_t
ctx_allocated(const struct moe_ctx *ctx)
{
    return ctx->allocated;
}

uint64_t
ctx_largest(const struct moe_ctx *ctx)
{
    return ctx->largest;
}

static void
count_owned(struct buffer *b)
{
    b->owned = b->bytes;
    b->ctx->allocated += b->owned;
}

/* A size that the device takes in one piece, and that size_t holds. */
static int
check_size(struct moe_ctx *ctx, uint64_t bytes, const char *name)
{
    uint64_t most = ctx->info.max_alloc_bytes;
    if (bytes <= most && bytes <= SIZE_MAX)
        return MOE_OK;
    return moe_fail(&ctx->err, MOE_EFIT,
                    "%s: needs %" PRIu64 " bytes in one piece, %s allows "
                    "%" PRIu64,
                    name, bytes, ctx->info.name, most);
}

static int
make(struct moe_ctx *ctx, struct buffer **out, uint64_t bytes, const char *name)
{
    *out = NULL;
    int rc = check_size(ctx, bytes, name);
    if (rc)
        return rc;
    struct buffer *b = mem_zero(1, sizeof *b);
    char *copy = str_copy(name);
    if (!b || !copy) {
        free(b);
        free(copy);
        return moe_fail(&ctx->err, MOE_ENOMEM, "%s: out of memory", name);
    }
    b->ctx = ctx;
    b->bytes = bytes;
    b->name = copy;
    if (bytes > ctx->largest)
        ctx->largest = bytes;
    *out = b;
    return MOE_OK;
}

static int
fail_alloc(struct buffer **bp, cl_int status)
{
    struct moe_ctx *ctx = (*bp)->ctx;
    int code = status == CL_MEM_OBJECT_ALLOCATION_FAILURE ||
                       status == CL_OUT_OF_RESOURCES ||
                       status == CL_OUT_OF_HOST_MEMORY ||
                       status == CL_INVALID_BUFFER_SIZE
                   ? MOE_EFIT
                   : MOE_ECL;
    int rc = moe_fail(&ctx->err, code,
                      "%s: %s did not give %" PRIu64 " bytes: %s", (*bp)->name,
                      ctx->info.name, (*bp)->bytes, opencl_words(status));
    buffer_destroy(bp);
    return rc;
}

/* Fill with bytes 0xff: a NaN as f32, bf16 and f16, and -1 as an integer. */
static int
poison(struct buffer *b)
{
    static const cl_uchar nan_byte = 0xff;
    cl_int status = clEnqueueFillBuffer(b->ctx->queue, b->mem, &nan_byte, 1, 0,
                                        (size_t)b->bytes, 0, NULL, NULL);
    return status ? ctx_fail_cl(b->ctx, status, "filling %s", b->name) : MOE_OK;
}

int
buffer_create(struct moe_ctx *ctx, struct buffer **out, uint64_t bytes,
              const char *name)
{
    cl_int status = CL_SUCCESS;
    int rc = make(ctx, out, bytes, name);
    if (rc || bytes == 0)
        return rc;
    (*out)->mem = clCreateBuffer(ctx->context, CL_MEM_READ_WRITE, (size_t)bytes,
                                 NULL, &status);
    if (status)
        return fail_alloc(out, status);
    count_owned(*out);
    if (ctx->poison && (rc = poison(*out)))
        buffer_destroy(out);
    return rc;
}

int
buffer_wrap(struct moe_ctx *ctx, struct buffer **out, const void *host,
            uint64_t bytes, const char *name)
{
    cl_int status = CL_SUCCESS;
    void *p = (void *)(uintptr_t)host; // read only: the flags say so
    int rc = make(ctx, out, bytes, name);
    if (rc || bytes == 0)
        return rc;
    struct buffer *b = *out;
    if (ctx->info.host_memory)
        b->mem =
            clCreateBuffer(ctx->context, CL_MEM_READ_ONLY | CL_MEM_USE_HOST_PTR,
                           (size_t)bytes, p, &status);
    /* A driver may refuse memory of ours; a copy always works. */
    if (b->mem)
        return MOE_OK;
    b->mem =
        clCreateBuffer(ctx->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR,
                       (size_t)bytes, p, &status);
    if (status)
        return fail_alloc(out, status);
    count_owned(b);
    return MOE_OK;
}

void
buffer_destroy(struct buffer **bp)
{
    struct buffer *b = *bp;
    *bp = NULL;
    if (!b)
        return;
    if (b->mem)
        clReleaseMemObject(b->mem);
    b->ctx->allocated -= b->owned;
    free(b->name);
    free(b);
}

static int
check_range(const struct buffer *b, uint64_t at, uint64_t n)
{
    if (at <= b->bytes && n <= b->bytes - at)
        return MOE_OK;
    return moe_fail(&b->ctx->err, MOE_ESHAPE,
                    "%s: bytes %" PRIu64 " + %" PRIu64 " of %" PRIu64, b->name,
                    at, n, b->bytes);
}

int
buffer_write(struct buffer *b, uint64_t at, const void *src, uint64_t n)
{
    int rc = check_range(b, at, n);
    if (rc || n == 0)
        return rc;
    cl_int status =
        clEnqueueWriteBuffer(b->ctx->queue, b->mem, CL_TRUE, (size_t)at,
                             (size_t)n, src, 0, NULL, NULL);
    return status ? ctx_fail_cl(b->ctx, status, "writing %s", b->name) : MOE_OK;
}

int
buffer_read(struct buffer *b, uint64_t at, void *dst, uint64_t n)
{
    int rc = check_range(b, at, n);
    if (rc || n == 0)
        return rc;
    cl_int status =
        clEnqueueReadBuffer(b->ctx->queue, b->mem, CL_TRUE, (size_t)at,
                            (size_t)n, dst, 0, NULL, NULL);
    return status ? ctx_fail_cl(b->ctx, status, "reading %s", b->name) : MOE_OK;
}

int
buffer_copy(struct buffer *dst, uint64_t dst_at, struct buffer *src,
            uint64_t src_at, uint64_t n)
{
    int rc = check_range(dst, dst_at, n);
    if (!rc)
        rc = check_range(src, src_at, n);
    if (rc || n == 0)
        return rc;
    cl_int status =
        clEnqueueCopyBuffer(dst->ctx->queue, src->mem, dst->mem, (size_t)src_at,
                            (size_t)dst_at, (size_t)n, 0, NULL, NULL);
    return status ? ctx_fail_cl(dst->ctx, status, "copying %s to %s", src->name,
                                dst->name)
                  : MOE_OK;
}

int
buffer_zero(struct buffer *b, uint64_t at, uint64_t n)
{
    static const cl_uint zero;
    int rc = check_range(b, at, n);
    if (rc || n == 0)
        return rc;
    size_t unit = (at | n) % sizeof zero ? 1 : sizeof zero;
    cl_int status = clEnqueueFillBuffer(b->ctx->queue, b->mem, &zero, unit,
                                        (size_t)at, (size_t)n, 0, NULL, NULL);
    return status ? ctx_fail_cl(b->ctx, status, "clearing %s", b->name)
                  : MOE_OK;
}

/* ---- Tensors ------------------------------------------------------------ */

static bool
tensor_bytes(uint64_t *out, const struct tensor *t)
{
    uint64_t factor[TENSOR_RANK + 1];
    for (int i = 0; i < t->rank; i++) {
        if (t->dim[i] < 0)
            return false;
        factor[i] = (uint64_t)t->dim[i];
    }
    factor[t->rank] = dtype_bytes(t->dtype);
    return mem_product(out, factor, (size_t)t->rank + 1);
}

int
tensor_create(struct moe_ctx *ctx, struct tensor *t, const char *name)
{
    char shape[TENSOR_SHAPE_TEXT];
    uint64_t bytes;
    t->buf = NULL;
    t->offset = 0;
    if (!tensor_bytes(&bytes, t))
        return moe_fail(&ctx->err, MOE_ESHAPE, "%s: shape %s is too large",
                        name, tensor_print(shape, t->rank, t->dim));
    return buffer_create(ctx, &t->buf, bytes, name);
}

int
tensor_write(const struct tensor *t, const void *src)
{
    uint64_t size = dtype_bytes(t->dtype);
    return buffer_write(t->buf, t->offset * size, src, tensor_count(t) * size);
}

int
tensor_read(const struct tensor *t, void *dst)
{
    uint64_t size = dtype_bytes(t->dtype);
    return buffer_read(t->buf, t->offset * size, dst, tensor_count(t) * size);
}
