/*
 * ctx.c - a context: one device, its queue, its programs, its error record.
 */
#include "config.h"

#include "device/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

enum { GROUP = 64, LOG_LINE = 1024 };

void
ctx_log(struct moe_ctx *ctx, enum moe_log_level level, const char *fmt, ...)
{
    char line[LOG_LINE];
    va_list ap;
    if (!ctx->log)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    ctx->log(ctx->log_arg, level, line);
}

int
ctx_fail_cl(struct moe_ctx *ctx, cl_int status, const char *fmt, ...)
{
    char what[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return moe_fail(&ctx->err, MOE_ECL, "%s: %s: %s", ctx->info.name, what,
                    opencl_words(status));
}

const struct device_info *
ctx_device(const struct moe_ctx *ctx)
{
    return &ctx->info;
}

size_t
ctx_group(const struct moe_ctx *ctx)
{
    return ctx->group;
}

struct moe_err *
moe_ctx_err(struct moe_ctx *ctx)
{
    return &ctx->err;
}

int
ctx_finish(struct moe_ctx *ctx)
{
    cl_int status = clFinish(ctx->queue);
    return status ? ctx_fail_cl(ctx, status, "waiting for the queue") : MOE_OK;
}

/* The handles of a device found earlier, perhaps by another process. */
static cl_int
find_handles(struct moe_ctx *ctx)
{
    cl_uint platforms = ctx->info.platform_at + 1;
    cl_uint devices = ctx->info.device_at + 1;
    cl_uint n = 0;
    probe_mark_in_use();
    /* Another driver of the loader's list crashes: keep it out of here. */
    if (ctx->info.driver_file[0] &&
        setenv("OCL_ICD_VENDORS", ctx->info.driver_file, 1) < 0)
        return CL_OUT_OF_HOST_MEMORY;
    cl_platform_id *p = mem_zero(platforms, sizeof *p);
    cl_device_id *d = mem_zero(devices, sizeof *d);
    cl_int status = p && d ? CL_SUCCESS : CL_OUT_OF_HOST_MEMORY;
    if (!status)
        status = clGetPlatformIDs(platforms, p, &n);
    if (!status && n < platforms)
        status = CL_DEVICE_NOT_FOUND;
    if (!status)
        status = clGetDeviceIDs(p[platforms - 1], CL_DEVICE_TYPE_ALL, devices,
                                d, &n);
    if (!status && n < devices)
        status = CL_DEVICE_NOT_FOUND;
    if (!status) {
        ctx->platform = p[platforms - 1];
        ctx->device = d[devices - 1];
    }
    free(p);
    free(d);
    return status;
}

static cl_int
open_device(struct moe_ctx *ctx, bool profile)
{
    cl_int status = find_handles(ctx);
    if (status)
        return status;
    const cl_context_properties properties[] = {
        CL_CONTEXT_PLATFORM, (cl_context_properties)ctx->platform, 0};
    ctx->context =
        clCreateContext(properties, 1, &ctx->device, NULL, NULL, &status);
    if (status)
        return status;
    ctx->queue =
        clCreateCommandQueue(ctx->context, ctx->device,
                             profile ? CL_QUEUE_PROFILING_ENABLE : 0, &status);
    return status;
}

/* The largest power of two that the device and our kernels allow. */
static size_t
choose_group(const struct device_info *info)
{
    size_t group = GROUP;
    while (group > info->max_group)
        group /= 2;
    return group;
}

static int
choose(struct moe_err *err, struct device_info *out,
       const struct moe_ctx_options *opt)
{
    struct device_info *list;
    size_t n, chosen;
    int rc = device_list(err, &list, &n, opt->log, opt->log_arg);
    if (rc)
        return rc;
    rc = device_select(err, &chosen, list, n, opt->device);
    if (!rc)
        *out = list[chosen];
    free(list);
    return rc;
}

int
moe_ctx_create(struct moe_ctx **out, const struct moe_ctx_options *opt,
               struct moe_err *err)
{
    static const struct moe_ctx_options defaults;
    *out = NULL;
    if (!opt)
        opt = &defaults;
    struct moe_ctx *ctx = mem_zero(1, sizeof *ctx);
    if (!ctx)
        return moe_fail(err, MOE_ENOMEM, "context: out of memory");
    ctx->log = opt->log;
    ctx->log_arg = opt->log_arg;
    int rc = choose(err, &ctx->info, opt);
    if (rc)
        goto fail;
    cl_int status = open_device(ctx, opt->profile);
    if (status) {
        rc = moe_fail(err, MOE_EDEVICE, "%s: cannot be opened: %s",
                      ctx->info.name, opencl_words(status));
        goto fail;
    }
    cache_open(ctx, opt->cache_dir);
    ctx->group = choose_group(&ctx->info);
    ctx->poison = getenv("POLYMOE_POISON") != NULL;
    if (opt->profile && (rc = profile_create(ctx))) {
        rc = moe_fail(err, rc, "context: out of memory");
        goto fail;
    }
    *out = ctx;
    return MOE_OK;
fail:
    moe_ctx_destroy(&ctx);
    return rc;
}

void
moe_ctx_destroy(struct moe_ctx **ctxp)
{
    struct moe_ctx *ctx = *ctxp;
    *ctxp = NULL;
    if (!ctx)
        return;
    if (ctx->queue)
        clFinish(ctx->queue);
    buffer_destroy(&ctx->widened);
    profile_destroy(ctx);
    programs_destroy(ctx);
    if (ctx->queue)
        clReleaseCommandQueue(ctx->queue);
    if (ctx->context)
        clReleaseContext(ctx->context);
    free(ctx->cache_dir);
    free(ctx);
}
