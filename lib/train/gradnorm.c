/*
 * gradnorm.c - the global norm of all gradients and the factor that clips it.
 */
#include "train/optimizer.h"

/* SPAN of cl/gradnorm.cl. */
enum { SPAN = 16384 };

uint64_t
gradnorm_partials(uint64_t n)
{
    return n / SPAN + (n % SPAN != 0);
}

int
gradnorm_partial(struct moe_ctx *ctx, const struct tensor *partial,
                 const struct tensor *g, uint64_t n)
{
    struct launch l;
    launch_begin(ctx, &l, "gradnorm_partial");
    launch_tensor(&l, partial);
    launch_tensor(&l, g);
    launch_ulong(&l, n);
    return launch_groups(&l, gradnorm_partials(n));
}

int
gradnorm_finish(struct moe_ctx *ctx, const struct tensor *out,
                const struct tensor *partial, uint64_t P, double limit)
{
    struct launch l;
    launch_begin(ctx, &l, "gradnorm_finish");
    launch_tensor(&l, out);
    launch_tensor(&l, partial);
    launch_ulong(&l, P);
    launch_float(&l, (float)limit);
    return launch_groups(&l, 1);
}
