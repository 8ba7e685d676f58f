/*
 * program.c - build programs, keep them, find their kernels.
 */
#include "config.h"

#include "device/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

/* Never -cl-fast-relaxed-math: it turns a masked softmax row into NaN on some
 * devices. */
static char *
build_options(const struct moe_ctx *ctx, const char *options)
{
    return str_format("-cl-std=CL1.2 -cl-kernel-arg-info -DWG=%zu%s%s",
                      ctx->group, *options ? " " : "", options);
}

/* The compiler's words; the caller frees them.  NULL: none. */
static char *
build_log(struct moe_ctx *ctx, cl_program program)
{
    size_t n = 0;
    if (clGetProgramBuildInfo(program, ctx->device, CL_PROGRAM_BUILD_LOG, 0,
                              NULL, &n) != CL_SUCCESS ||
        n < 2)
        return NULL;
    char *s = mem_zero(n + 1, 1);
    if (s && clGetProgramBuildInfo(program, ctx->device, CL_PROGRAM_BUILD_LOG,
                                   n, s, NULL) != CL_SUCCESS) {
        free(s);
        return NULL;
    }
    return s;
}

/* Log the lines of a build log, and return the one that matters most: the
 * first with "error" in it, else the first.  It points into the log. */
static const char *
log_lines(struct moe_ctx *ctx, char *log)
{
    const char *first = NULL, *error = NULL;
    for (char *line = strtok(log, "\r\n"); line; line = strtok(NULL, "\r\n")) {
        ctx_log(ctx, MOE_LOG_DEBUG, "%s", line);
        if (!first)
            first = line;
        if (!error && strstr(line, "error"))
            error = line;
    }
    return error ? error : first;
}

/* Keep why a program does not build. */
static int
set_problem(struct moe_ctx *ctx, struct program *p, cl_program cl,
            cl_int status)
{
    char *log = build_log(ctx, cl);
    const char *line = log ? log_lines(ctx, log) : NULL;
    p->problem = str_copy(line ? line : opencl_words(status));
    free(log);
    return p->problem
               ? MOE_OK
               : moe_fail(&ctx->err, MOE_ENOMEM, "programs: out of memory");
}

static int
build_source(struct moe_ctx *ctx, struct program *p, const struct sources *s,
             const char *options)
{
    cl_int status;
    cl_program cl = clCreateProgramWithSource(
        ctx->context, (cl_uint)s->n, (const char **)s->text, NULL, &status);
    if (status)
        return ctx_fail_cl(ctx, status, "making program '%s'", p->name);
    status = clBuildProgram(cl, 1, &ctx->device, options, NULL, NULL);
    if (status) {
        int rc = set_problem(ctx, p, cl, status);
        clReleaseProgram(cl);
        return rc;
    }
    p->cl = cl;
    return MOE_OK;
}

/* False when the driver does not take the binary. */
static bool
build_binary(struct moe_ctx *ctx, struct program *p, const char *binary,
             size_t n, const char *options)
{
    const unsigned char *bytes = (const unsigned char *)binary;
    cl_int status, loaded;
    cl_program cl = clCreateProgramWithBinary(ctx->context, 1, &ctx->device, &n,
                                              &bytes, &loaded, &status);
    if (status)
        return false;
    if (clBuildProgram(cl, 1, &ctx->device, options, NULL, NULL)) {
        clReleaseProgram(cl);
        return false;
    }
    p->cl = cl;
    return true;
}

/* Keep the binary of a program that was built from source. */
static void
store(struct moe_ctx *ctx, const struct program *p, const struct cache_key *key)
{
    size_t n = 0;
    if (clGetProgramInfo(p->cl, CL_PROGRAM_BINARY_SIZES, sizeof n, &n, NULL) ||
        n == 0)
        return;
    unsigned char *binary = mem_zero(n, 1);
    if (binary && !clGetProgramInfo(p->cl, CL_PROGRAM_BINARIES, sizeof binary,
                                    &binary, NULL))
        cache_store(ctx, key, binary, n);
    free(binary);
}

/* From the cache if possible, else from source and into the cache.  A binary
 * that the driver itself does not take back is not tried again. */
static int
build_cached(struct moe_ctx *ctx, struct program *p, const struct sources *s,
             const char *options)
{
    struct cache_key key;
    char *binary;
    size_t n;
    cache_key(ctx, &key, p->name, options, s);
    enum cache_answer answer = cache_load(ctx, &key, &binary, &n);
    bool built =
        answer == CACHE_BINARY && build_binary(ctx, p, binary, n, options);
    free(binary);
    if (built)
        return MOE_OK;
    int rc = build_source(ctx, p, s, options);
    if (rc || !p->cl)
        return rc;
    if (answer == CACHE_BINARY) {
        ctx_log(ctx, MOE_LOG_WARN,
                "%s does not take back its own compiled programs: they are "
                "built from source",
                ctx->info.name);
        cache_store(ctx, &key, "", 0);
    } else if (answer == CACHE_NOTHING) {
        store(ctx, p, &key);
    }
    return MOE_OK;
}

/* MOE_OK also when the source has errors: p->problem tells then. */
static int
build(struct moe_ctx *ctx, struct program *p)
{
    struct sources sources;
    int rc = sources_load(&ctx->err, &sources, p->name);
    if (rc)
        return rc;
    double start = clock_seconds();
    char *options = build_options(ctx, p->options);
    rc = !options ? moe_fail(&ctx->err, MOE_ENOMEM, "programs: out of memory")
         : ctx->cache_dir ? build_cached(ctx, p, &sources, options)
                          : build_source(ctx, p, &sources, options);
    if (!rc)
        ctx_log(ctx, MOE_LOG_DEBUG, "program '%s' %s in %.2f s",
                *p->name ? p->name : "plain", p->cl ? "built" : "failed",
                clock_seconds() - start);
    free(options);
    sources_free(&sources);
    return rc;
}

static void
destroy(struct program *p)
{
    struct kernel *k;
    while ((k = p->kernels)) {
        p->kernels = k->next;
        clReleaseKernel(k->cl);
        free(k->name);
        free(k);
    }
    if (p->cl)
        clReleaseProgram(p->cl);
    free(p->name);
    free(p->options);
    free(p->problem);
    free(p);
}

void
programs_destroy(struct moe_ctx *ctx)
{
    struct program *p;
    while ((p = ctx->programs)) {
        ctx->programs = p->next;
        destroy(p);
    }
}

static int
add_program(struct moe_ctx *ctx, struct program **out, const char *name,
            const char *options)
{
    struct program *p = mem_zero(1, sizeof *p);
    if (!p)
        return moe_fail(&ctx->err, MOE_ENOMEM, "programs: out of memory");
    p->name = str_copy(name);
    p->options = str_copy(options);
    int rc = p->name && p->options
                 ? build(ctx, p)
                 : moe_fail(&ctx->err, MOE_ENOMEM, "programs: out of memory");
    if (rc) {
        destroy(p);
        return rc;
    }
    p->next = ctx->programs;
    ctx->programs = p;
    *out = p;
    return MOE_OK;
}

int
program_get(struct moe_ctx *ctx, struct program **out, const char *name,
            const char *options)
{
    struct program *p = ctx->programs;
    int rc = MOE_OK;
    while (p && (strcmp(p->name, name) || strcmp(p->options, options)))
        p = p->next;
    if (!p)
        rc = add_program(ctx, &p, name, options);
    if (!rc && !p->cl)
        rc = moe_fail(&ctx->err, MOE_EBUILD,
                      "%s: program '%s' does not build: %s", ctx->info.name,
                      *name ? name : "plain", p->problem);
    *out = rc ? NULL : p;
    return rc;
}

bool
program_available(struct moe_ctx *ctx, const char *program, const char *options)
{
    struct moe_err before = ctx->err;
    struct program *p;
    int rc = program_get(ctx, &p, program, options);
    if (rc)
        ctx_log(ctx, MOE_LOG_DEBUG, "%s", ctx->err.text);
    ctx->err = before;
    return rc == MOE_OK;
}

/* ---- Kernels ------------------------------------------------------------ */

/* What the compiler recorded of an argument; ARG_ANY where it did not. */
static enum arg_kind
ask_kind(cl_kernel kernel, cl_uint i)
{
    static const struct {
        const char *type;
        enum arg_kind kind;
    } known[] = {{"int", ARG_INT},
                 {"uint", ARG_INT},
                 {"ulong", ARG_ULONG},
                 {"long", ARG_ULONG},
                 {"float", ARG_FLOAT}};
    cl_kernel_arg_address_qualifier space = 0;
    char type[32] = "";
    if (clGetKernelArgInfo(kernel, i, CL_KERNEL_ARG_ADDRESS_QUALIFIER,
                           sizeof space, &space, NULL) != CL_SUCCESS)
        return ARG_ANY;
    if (space == CL_KERNEL_ARG_ADDRESS_GLOBAL ||
        space == CL_KERNEL_ARG_ADDRESS_CONSTANT)
        return ARG_POINTER;
    if (clGetKernelArgInfo(kernel, i, CL_KERNEL_ARG_TYPE_NAME, sizeof type - 1,
                           type, NULL) != CL_SUCCESS)
        return ARG_ANY;
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (strcmp(type, known[k].type) == 0)
            return known[k].kind;
    return ARG_ANY;
}

static int
read_kernel(struct moe_ctx *ctx, struct kernel *k)
{
    cl_uint args = 0;
    cl_int status =
        clGetKernelInfo(k->cl, CL_KERNEL_NUM_ARGS, sizeof args, &args, NULL);
    if (!status)
        status = clGetKernelWorkGroupInfo(k->cl, ctx->device,
                                          CL_KERNEL_COMPILE_WORK_GROUP_SIZE,
                                          sizeof k->group, k->group, NULL);
    if (status)
        return ctx_fail_cl(ctx, status, "asking kernel %s", k->name);
    if (args > KERNEL_ARGS)
        return moe_fail(&ctx->err, MOE_EBUILD,
                        "kernel %s: has %u arguments, at most %d", k->name,
                        args, KERNEL_ARGS);
    k->args = (int)args;
    for (cl_uint i = 0; i < args; i++)
        k->kind[i] = (unsigned char)ask_kind(k->cl, i);
    return MOE_OK;
}

static int
add_kernel(struct moe_ctx *ctx, struct kernel **out, struct program *program,
           const char *name)
{
    cl_int status;
    struct kernel *k = mem_zero(1, sizeof *k);
    char *copy = str_copy(name);
    if (!k || !copy) {
        free(k);
        free(copy);
        return moe_fail(&ctx->err, MOE_ENOMEM, "kernel %s: out of memory",
                        name);
    }
    k->name = copy;
    k->cl = clCreateKernel(program->cl, name, &status);
    int rc =
        status == CL_INVALID_KERNEL_NAME
            ? moe_fail(&ctx->err, MOE_EBUILD, "kernel %s: not in program '%s'",
                       name, *program->name ? program->name : "plain")
        : status ? ctx_fail_cl(ctx, status, "making kernel %s", name)
                 : read_kernel(ctx, k);
    if (rc) {
        if (k->cl)
            clReleaseKernel(k->cl);
        free(k->name);
        free(k);
        return rc;
    }
    k->next = program->kernels;
    program->kernels = k;
    *out = k;
    return MOE_OK;
}

int
program_kernel(struct moe_ctx *ctx, struct kernel **out,
               struct program *program, const char *name)
{
    for (struct kernel *k = program->kernels; k; k = k->next)
        if (strcmp(k->name, name) == 0) {
            *out = k;
            return MOE_OK;
        }
    return add_kernel(ctx, out, program, name);
}
