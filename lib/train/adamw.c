/*
 * adamw.c - one AdamW update of a contiguous range of parameters.
 */
#include "train/optimizer.h"

#include <math.h>

int
adamw_step(struct moe_ctx *ctx, const struct tensor *w, const struct tensor *m,
           const struct tensor *v, const struct tensor *g,
           const struct tensor *scale, const struct adamw *o, uint64_t first,
           uint64_t n)
{
    struct launch l;
    if (w->dtype != DTYPE_F32 && w->dtype != DTYPE_BF16)
        return moe_fail(moe_ctx_err(ctx), MOE_EINVAL,
                        "adamw: parameters of type %s, want F32 or BF16",
                        dtype_name(w->dtype));
    launch_begin(ctx, &l, w->dtype == DTYPE_F32 ? "adamw_f32" : "adamw_bf16");
    launch_tensor(&l, w);
    launch_tensor(&l, m);
    launch_tensor(&l, v);
    launch_tensor(&l, g);
    launch_tensor(&l, scale);
    launch_ulong(&l, n);
    launch_float(&l, (float)o->lr);
    launch_float(&l, (float)o->beta1);
    launch_float(&l, (float)o->beta2);
    launch_float(&l, (float)(1 - o->beta1));
    launch_float(&l, (float)(1 - o->beta2));
    launch_float(&l, (float)o->eps);
    launch_float(&l, (float)o->decay);
    launch_float(&l, (float)(1 - pow(o->beta1, (double)o->step)));
    launch_float(&l, (float)(1 - pow(o->beta2, (double)o->step)));
    if (w->dtype == DTYPE_BF16) {
        launch_ulong(&l, o->seed);
        launch_ulong(&l, o->step);
        launch_ulong(&l, first);
    }
    return launch_items(&l, n);
}

int
adamw_round(struct moe_ctx *ctx, const struct tensor *y, const struct tensor *x,
            uint64_t n)
{
    struct launch l;
    launch_begin(ctx, &l, "adamw_round");
    launch_tensor(&l, y);
    launch_tensor(&l, x);
    launch_ulong(&l, n);
    return launch_items(&l, n);
}
