/*
 * launch.c - set the arguments of a kernel, check the work size, enqueue.
 */
#include "config.h"

#include "device/internal.h"

#include <inttypes.h>
#include <stdint.h>

static int
find(struct moe_ctx *ctx, struct launch *l, const char *program,
     const char *options, const char *kernel)
{
    struct program *p;
    struct kernel *k;
    int rc = program_get(ctx, &p, program, options);
    if (!rc)
        rc = program_kernel(ctx, &k, p, kernel);
    if (!rc)
        l->kernel = k;
    return rc;
}

void
launch_begin_in(struct moe_ctx *ctx, struct launch *l, const char *program,
                const char *options, const char *kernel)
{
    *l = (struct launch){.ctx = ctx, .name = kernel};
    l->rc = find(ctx, l, program, options, kernel);
}

void
launch_begin(struct moe_ctx *ctx, struct launch *l, const char *kernel)
{
    launch_begin_in(ctx, l, "", "", kernel);
}

/* The next argument, of a kind that the kernel must have declared there. */
static void
set(struct launch *l, enum arg_kind kind, size_t size, const void *value)
{
    static const char *const words[] = {"anything", "a buffer", "an int",
                                        "a ulong", "a float"};
    struct kernel *k = l->kernel;
    int i = l->args++;
    if (l->rc)
        return;
    if (i >= k->args) {
        l->rc = moe_fail(&l->ctx->err, MOE_EINVAL,
                         "kernel %s: argument %d given, takes %d", l->name,
                         i + 1, k->args);
        return;
    }
    if (k->kind[i] != ARG_ANY && k->kind[i] != kind) {
        l->rc = moe_fail(&l->ctx->err, MOE_EINVAL,
                         "kernel %s: argument %d is %s, want %s", l->name,
                         i + 1, words[kind], words[k->kind[i]]);
        return;
    }
    cl_int status = clSetKernelArg(k->cl, (cl_uint)i, size, value);
    if (status)
        l->rc = ctx_fail_cl(l->ctx, status, "kernel %s, argument %d", l->name,
                            i + 1);
}

void
launch_buffer(struct launch *l, struct buffer *b)
{
    cl_mem mem = buffer_cl(b);
    set(l, ARG_POINTER, sizeof mem, &mem);
}

void
launch_tensor(struct launch *l, const struct tensor *t)
{
    launch_buffer(l, t->buf);
    launch_ulong(l, t->offset);
}

void
launch_int(struct launch *l, int64_t x)
{
    cl_int value = (cl_int)x;
    if (x < INT32_MIN || x > INT32_MAX) {
        if (!l->rc)
            l->rc = moe_fail(&l->ctx->err, MOE_EINVAL,
                             "kernel %s: argument %d: %" PRId64
                             " does not fit in an int",
                             l->name, l->args + 1, x);
        l->args++;
        return;
    }
    set(l, ARG_INT, sizeof value, &value);
}

void
launch_ulong(struct launch *l, uint64_t x)
{
    cl_ulong value = x;
    set(l, ARG_ULONG, sizeof value, &value);
}

void
launch_float(struct launch *l, float x)
{
    cl_float value = x;
    set(l, ARG_FLOAT, sizeof value, &value);
}

/* Every argument given, and groups of the size that the kernel requires. */
static int
check(struct launch *l, size_t local)
{
    const struct kernel *k = l->kernel;
    if (l->rc)
        return l->rc;
    if (l->args != k->args)
        return moe_fail(&l->ctx->err, MOE_EINVAL,
                        "kernel %s: %d arguments given, takes %d", l->name,
                        l->args, k->args);
    if (k->group[0] &&
        (k->group[0] != local || k->group[1] != 1 || k->group[2] != 1))
        return moe_fail(&l->ctx->err, MOE_EINVAL,
                        "kernel %s: groups of %zu, requires (%zu, %zu, %zu)",
                        l->name, local, k->group[0], k->group[1], k->group[2]);
    return MOE_OK;
}

static int
enqueue(struct launch *l, uint64_t gx, uint64_t gy, size_t local)
{
    struct moe_ctx *ctx = l->ctx;
    struct kernel *k = l->kernel;
    int rc = check(l, local);
    if (rc || gx == 0 || gy == 0)
        return rc;
    if (gx > SIZE_MAX / local || gy > SIZE_MAX)
        return moe_fail(&ctx->err, MOE_EINVAL,
                        "kernel %s: %" PRIu64 " x %" PRIu64 " groups", l->name,
                        gx, gy);
    const size_t global[2] = {(size_t)gx * local, (size_t)gy};
    const size_t group[2] = {local, 1};
    cl_event event = NULL;
    cl_int status =
        clEnqueueNDRangeKernel(ctx->queue, k->cl, gy > 1 ? 2 : 1, NULL, global,
                               group, 0, NULL, ctx->profile ? &event : NULL);
    if (status)
        return ctx_fail_cl(ctx, status, "kernel %s", l->name);
    return ctx->profile ? profile_add(ctx, k->name, event) : MOE_OK;
}

int
launch_groups(struct launch *l, uint64_t groups)
{
    return enqueue(l, groups, 1, l->ctx->group);
}

int
launch_groups_2d(struct launch *l, uint64_t gx, uint64_t gy)
{
    return enqueue(l, gx, gy, l->ctx->group);
}

int
launch_singles(struct launch *l, uint64_t gx, uint64_t gy)
{
    return enqueue(l, gx, gy, 1);
}

int
launch_items(struct launch *l, uint64_t items)
{
    uint64_t group = l->ctx->group;
    return enqueue(l, items / group + (items % group != 0), 1, l->ctx->group);
}
