/*
 * profile.c - seconds on the device per kernel name.
 *
 * Events are kept until there are many or somebody asks, then read in one go:
 * waiting for each would change what is measured.
 */
#include "config.h"

#include "device/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { PENDING = 4096 };

struct pending {
    cl_event from; // its end is the start; NULL: the start of `event`
    cl_event event;
    size_t row;
};

struct profile {
    struct profile_row *row; // names are owned copies
    size_t rows, rows_cap;
    struct pending pending[PENDING];
    size_t n;
};

int
profile_create(struct moe_ctx *ctx)
{
    ctx->profile = mem_zero(1, sizeof *ctx->profile);
    return ctx->profile
               ? MOE_OK
               : moe_fail(&ctx->err, MOE_ENOMEM, "profile: out of memory");
}

static void
release(const struct pending *e)
{
    if (e->from)
        clReleaseEvent(e->from);
    clReleaseEvent(e->event);
}

void
profile_destroy(struct moe_ctx *ctx)
{
    struct profile *p = ctx->profile;
    if (!p)
        return;
    for (size_t i = 0; i < p->n; i++)
        release(&p->pending[i]);
    for (size_t i = 0; i < p->rows; i++)
        free((char *)(uintptr_t)p->row[i].kernel);
    free(p->row);
    free(p);
    ctx->profile = NULL;
}

static int
find_row(struct moe_ctx *ctx, size_t *out, const char *kernel)
{
    struct profile *p = ctx->profile;
    for (*out = 0; *out < p->rows; (*out)++)
        if (strcmp(p->row[*out].kernel, kernel) == 0)
            return MOE_OK;
    struct profile_row *row =
        mem_grow(p->row, &p->rows_cap, p->rows + 1, sizeof *row);
    if (row)
        p->row = row;
    char *name = row ? mem_dup(kernel, strlen(kernel) + 1) : NULL;
    if (!name)
        return moe_fail(&ctx->err, MOE_ENOMEM, "profile: out of memory");
    p->row[p->rows++] = (struct profile_row){.kernel = name};
    return MOE_OK;
}

static cl_int
read_seconds(double *out, const struct pending *e)
{
    cl_ulong start = 0, end = 0;
    cl_int status = clGetEventProfilingInfo(
        e->from ? e->from : e->event,
        e->from ? CL_PROFILING_COMMAND_END : CL_PROFILING_COMMAND_START,
        sizeof start, &start, NULL);
    if (!status)
        status = clGetEventProfilingInfo(e->event, CL_PROFILING_COMMAND_END,
                                         sizeof end, &end, NULL);
    *out = end > start ? (double)(end - start) * 1e-9 : 0;
    return status;
}

/* Wait for the queue and add up every pending event. */
static int
drain(struct moe_ctx *ctx)
{
    struct profile *p = ctx->profile;
    int rc = ctx_finish(ctx);
    for (size_t i = 0; i < p->n; i++) {
        struct profile_row *row = &p->row[p->pending[i].row];
        double seconds = 0;
        cl_int status =
            rc ? CL_SUCCESS : read_seconds(&seconds, &p->pending[i]);
        if (status)
            rc = ctx_fail_cl(ctx, status, "times of kernel %s", row->kernel);
        row->calls++;
        row->seconds += seconds;
        release(&p->pending[i]);
    }
    p->n = 0;
    return rc;
}

int
profile_add_span(struct moe_ctx *ctx, const char *kernel, cl_event from,
                 cl_event to)
{
    struct profile *p = ctx->profile;
    struct pending e = {.from = from, .event = to};
    int rc = p->n == PENDING ? drain(ctx) : MOE_OK;
    if (!rc)
        rc = find_row(ctx, &e.row, kernel);
    if (rc)
        release(&e);
    else
        p->pending[p->n++] = e;
    return rc;
}

int
profile_add(struct moe_ctx *ctx, const char *kernel, cl_event event)
{
    return profile_add_span(ctx, kernel, NULL, event);
}

static int
by_seconds(const void *a, const void *b)
{
    const struct profile_row *x = a, *y = b;
    return (x->seconds < y->seconds) - (x->seconds > y->seconds);
}

int
profile_rows(struct moe_ctx *ctx, struct profile_row **out, size_t *n)
{
    struct profile *p = ctx->profile;
    *out = NULL;
    *n = 0;
    if (!p || p->rows == 0)
        return MOE_OK;
    int rc = drain(ctx);
    if (rc)
        return rc;
    *out = mem_dup(p->row, p->rows * sizeof *p->row);
    if (!*out)
        return moe_fail(&ctx->err, MOE_ENOMEM, "profile: out of memory");
    *n = p->rows;
    qsort(*out, *n, sizeof **out, by_seconds);
    return MOE_OK;
}
