/*
 * dispatch.c - slots sorted by expert: count in pieces, scan, place.
 */
#include "config.h"

#include "nn/nn.h"

#include <stddef.h>

enum { PIECE = 64 }; // tokens that one group counts and places

static int64_t
pieces(int64_t N)
{
    return (N + PIECE - 1) / PIECE;
}

static struct dispatch
shapes(int64_t N, int64_t E, int64_t K)
{
    return (struct dispatch){
        .count = tensor_shape(DTYPE_I32, 1, (int64_t[]){E}),
        .start = tensor_shape(DTYPE_I32, 1, (int64_t[]){E + 1}),
        .slot_token = tensor_shape(DTYPE_I32, 1, (int64_t[]){N * K}),
        .slot_of = tensor_shape(DTYPE_I32, 2, (int64_t[]){N, K}),
        .partial = tensor_shape(DTYPE_I32, 2, (int64_t[]){pieces(N), E}),
    };
}

static const struct part {
    const char *name;
    size_t offset; // in struct dispatch
} parts[] = {
    {"slots of each expert", offsetof(struct dispatch, count)},
    {"first slot of each expert", offsetof(struct dispatch, start)},
    {"token of each slot", offsetof(struct dispatch, slot_token)},
    {"slot of each choice", offsetof(struct dispatch, slot_of)},
    {"partial slot counts", offsetof(struct dispatch, partial)},
};
enum { PARTS = sizeof parts / sizeof *parts };

static struct tensor *
part(struct dispatch *d, int i)
{
    return (struct tensor *)((char *)d + parts[i].offset);
}

void
dispatch_need(struct need *need, int64_t N, int64_t E, int64_t K, uint64_t n)
{
    struct dispatch d = shapes(N, E, K);
    for (int i = 0; i < PARTS; i++)
        need_tensor(need, parts[i].name, part(&d, i), n);
}

int
dispatch_create(struct moe_ctx *ctx, struct dispatch *d, int64_t N, int64_t E,
                int64_t K)
{
    *d = shapes(N, E, K);
    int rc = MOE_OK;
    for (int i = 0; !rc && i < PARTS; i++)
        rc = tensor_create(ctx, part(d, i), parts[i].name);
    if (rc)
        dispatch_destroy(d);
    return rc;
}

void
dispatch_destroy(struct dispatch *d)
{
    for (int i = 0; i < PARTS; i++)
        buffer_destroy(&part(d, i)->buf);
}

static int
run_count(struct moe_ctx *ctx, const struct dispatch *d,
          const struct tensor *idx, int64_t N, int64_t E, int64_t K)
{
    struct launch l;
    launch_begin(ctx, &l, "dispatch_count");
    launch_tensor(&l, &d->partial);
    launch_tensor(&l, idx);
    launch_int(&l, N);
    launch_int(&l, E);
    launch_int(&l, K);
    launch_int(&l, PIECE);
    return launch_groups(&l, (uint64_t)pieces(N));
}

static int
run_scan(struct moe_ctx *ctx, const struct dispatch *d, int64_t N, int64_t E)
{
    struct launch l;
    launch_begin(ctx, &l, "dispatch_scan");
    launch_tensor(&l, &d->count);
    launch_tensor(&l, &d->start);
    launch_tensor(&l, &d->partial);
    launch_int(&l, pieces(N));
    launch_int(&l, E);
    return launch_groups(&l, 1);
}

static int
run_place(struct moe_ctx *ctx, const struct dispatch *d,
          const struct tensor *idx, int64_t N, int64_t E, int64_t K)
{
    struct launch l;
    launch_begin(ctx, &l, "dispatch_place");
    launch_tensor(&l, &d->slot_token);
    launch_tensor(&l, &d->slot_of);
    launch_tensor(&l, &d->start);
    launch_tensor(&l, &d->partial);
    launch_tensor(&l, idx);
    launch_int(&l, N);
    launch_int(&l, E);
    launch_int(&l, K);
    launch_int(&l, PIECE);
    return launch_groups(&l, (uint64_t)pieces(N));
}

int
dispatch_forward(struct moe_ctx *ctx, const struct dispatch *d,
                 const struct tensor *idx, int64_t N, int64_t E, int64_t K)
{
    int rc = run_count(ctx, d, idx, N, E, K);
    if (!rc)
        rc = run_scan(ctx, d, N, E);
    return rc ? rc : run_place(ctx, d, idx, N, E, K);
}
