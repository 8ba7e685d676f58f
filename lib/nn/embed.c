/*
 * embed.c - rows of the token table, and the table's gradient.
 */
#include "config.h"

#include "nn/nn.h"

#include <string.h>

int
embed_forward(struct moe_ctx *ctx, const struct tensor *x,
              const struct tensor *ids, const struct tensor *table, int64_t N,
              int64_t D)
{
    struct launch l;
    launch_begin(ctx, &l, "embed_forward");
    launch_tensor(&l, x);
    launch_tensor(&l, ids);
    launch_tensor(&l, table);
    launch_int(&l, D);
    launch_int(&l, table->dtype);
    return launch_groups(&l, (uint64_t)N);
}

int
embed_backward(struct moe_ctx *ctx, const struct tensor *dtable,
               const struct tensor *dx, const struct tensor *ids,
               const struct tensor *order, const struct tensor *first,
               int64_t U, int64_t D)
{
    struct launch l;
    launch_begin(ctx, &l, "embed_backward");
    launch_tensor(&l, dtable);
    launch_tensor(&l, dx);
    launch_tensor(&l, ids);
    launch_tensor(&l, order);
    launch_tensor(&l, first);
    launch_int(&l, D);
    return launch_groups(&l, (uint64_t)U);
}

/* Two runs of `in`, [begin, middle) and [middle, end), each in the order of
 * its ids, as one run of `out`; equal ids keep their order. */
static void
merge(int32_t *out, const int32_t *in, const int32_t *ids, int64_t begin,
      int64_t middle, int64_t end)
{
    int64_t i = begin, j = middle;
    for (int64_t k = begin; k < end; k++)
        if (j == end || (i < middle && ids[in[i]] <= ids[in[j]]))
            out[k] = in[i++];
        else
            out[k] = in[j++];
}

int64_t
embed_order(int32_t *order, int32_t *first, const int32_t *ids, int64_t N)
{
    // A merge sort; first is free until the order is known.
    for (int64_t n = 0; n < N; n++)
        order[n] = (int32_t)n;
    for (int64_t run = 1; run < N; run *= 2) {
        for (int64_t n = 0; n < N; n += 2 * run)
            merge(first, order, ids, n, n + run < N ? n + run : N,
                  n + 2 * run < N ? n + 2 * run : N);
        memcpy(order, first, (size_t)N * sizeof *order);
    }
    int64_t U = 0;
    for (int64_t n = 0; n < N; n++)
        if (n == 0 || ids[order[n]] != ids[order[n - 1]])
            first[U++] = (int32_t)n;
    first[U] = (int32_t)N;
    return U;
}
