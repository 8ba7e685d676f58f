/*
 * pass_prefix.c - the layers of a training pass below everything trained, or
 * what a cache kept of them.
 *
 * Which windows share a batch must not show in what is kept, so these layers
 * run steadily whether there is a cache or not.
 */
#include "train/pass_state.h"

#include <stdlib.h>

#include "base/mem.h"

int64_t
pass_frozen(const struct pass_options *opt, int64_t lowest, int64_t L)
{
    const int64_t edited = opt->hook ? hook_lowest(opt->hook) : L;
    if (opt->loss.aux_weight > 0 || opt->loss.z_weight > 0 || lowest < 0 ||
        edited < lowest)
        return 0;
    return lowest < L ? lowest : L - 1;
}

int
pass_prefix_create(struct pass *p)
{
    const struct moe_config *c = &p->model->config;
    struct moe_err *err = moe_ctx_err(p->ctx);
    const size_t n = (size_t)(p->frozen * finite_blocks(p->opt.B * p->opt.T));
    if (!p->opt.prefix)
        return MOE_OK;
    if (!p->frozen)
        return moe_fail(err, MOE_EINVAL,
                        "training: a cache, and no layer "
                        "that is only passed through");
    p->window = mem_zero((size_t)(p->opt.T * c->D), sizeof *p->window);
    p->none_bad = mem_zero(n, sizeof *p->none_bad);
    if (!p->window || !p->none_bad)
        return moe_fail(err, MOE_ENOMEM, "training: out of memory");
    for (size_t i = 0; i < n; i++)
        p->none_bad[i] = -1;
    return MOE_OK;
}

void
pass_prefix_destroy(struct pass *p)
{
    free(p->window);
    free(p->none_bad);
}

static uint64_t
window_bytes(const struct pass *p)
{
    return (uint64_t)(p->run->T * p->model->config.D) * sizeof(float);
}

/* The stream of all windows, if there is that of each. */
static bool
read_windows(struct pass *p, const int32_t *ids)
{
    const struct moe_run *run = p->run;
    const uint64_t bytes = window_bytes(p);
    bool all = true;
    for (int64_t b = 0; all && b < run->B; b++)
        all = prefix_has(p->opt.prefix, ids + b * run->T, run->T);
    for (int64_t b = 0; all && b < run->B; b++)
        all = prefix_read(p->opt.prefix, ids + b * run->T, run->T, p->window) &&
              buffer_write(run->x.buf, (uint64_t)b * bytes, p->window, bytes) ==
                  MOE_OK;
    return all;
}

/* The check for finite numbers looks at these layers too. */
static int
pass_over(struct pass *p)
{
    const int64_t n = p->frozen * finite_blocks(p->run->N);
    return buffer_write(p->run->bad.buf, 0, p->none_bad,
                        (uint64_t)n * sizeof *p->none_bad);
}

static int
write_windows(struct pass *p, const int32_t *ids)
{
    const struct moe_run *run = p->run;
    const uint64_t bytes = window_bytes(p);
    int rc = MOE_OK;
    for (int64_t b = 0; !rc && b < run->B; b++) {
        if (prefix_has(p->opt.prefix, ids + b * run->T, run->T))
            continue;
        rc = buffer_read(run->x.buf, (uint64_t)b * bytes, p->window, bytes);
        if (!rc)
            prefix_write(p->opt.prefix, ids + b * run->T, run->T, p->window);
    }
    return rc;
}

static void
set_steady(struct moe_run *run, bool steady)
{
    run->opt.steady = steady;
    experts_steady(run->experts, steady);
}

int
pass_below(struct pass *p, const int32_t *ids)
{
    struct moe_run *run = p->run;
    if (p->opt.prefix && read_windows(p, ids))
        return pass_over(p);
    int rc = forward_embed(run);
    set_steady(run, p->frozen > 0);
    for (int64_t l = 0; !rc && l < p->frozen; l++) {
        run->a = p->acts->layer[l];
        rc = forward_layer(run, l);
    }
    set_steady(run, false);
    return !rc && p->opt.prefix ? write_windows(p, ids) : rc;
}
