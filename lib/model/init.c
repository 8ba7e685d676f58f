/*
 * init.c - a new model from its configuration alone.
 */
#include "model/init.h"

#include <math.h>

#include "base/rng.h"
#include "model/export.h"

/* Values beyond this many deviations are drawn again. */
static const double CUTOFF = 3;

/* Draws of one element lie this far apart; fewer than one element in 10^21
 * needs more than eight. */
enum { DRAWS = 8 };

struct init {
    const struct moe_config *config;
    enum init_kind kind;
    uint64_t seed;
};

/* A number of its own for each parameter, whatever the order of writing. */
static uint64_t
stream_of(const struct param *p)
{
    return (uint64_t)p->layer << 40 | (uint64_t)p->expert << 8 |
           (uint64_t)p->kind;
}

static double
draw(const struct init *in, uint64_t stream, uint64_t i)
{
    if (in->kind == INIT_HF)
        return rng_normal(in->seed, stream, i);
    double x = 0;
    for (uint64_t k = 0; k < DRAWS; k++) {
        x = rng_normal(in->seed, stream, i * DRAWS + k);
        if (fabs(x) <= CUTOFF)
            return x;
    }
    return copysign(CUTOFF, x);
}

static bool
is_pad_row(const struct init *in, const struct param *p, uint64_t i)
{
    return in->kind == INIT_HF && p->kind == PARAM_EMBED &&
           in->config->pad >= 0 &&
           i / (uint64_t)in->config->D == (uint64_t)in->config->pad;
}

static int
fill(struct moe_err *err, void *arg, const struct param *p, uint64_t at,
     float *out, size_t n)
{
    const struct init *in = arg;
    bool norm = param_group(p->kind) == GROUP_NORM;
    bool bias = param_shape(p->kind, in->config).rank == 1 && !norm;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        if (norm || bias)
            out[i] = norm ? 1 : 0;
        else if (is_pad_row(in, p, at + i))
            out[i] = 0;
        else
            out[i] =
                (float)(in->config->init_std * draw(in, stream_of(p), at + i));
    }
    return MOE_OK;
}

int
init_model(struct moe_err *err, const char *dir,
           const struct moe_config *config, enum init_kind kind, uint64_t seed,
           enum dtype dtype)
{
    struct init in = {config, kind, seed};
    return export_model(
        err, dir, config,
        &(struct export_options){.dtype = dtype, .read = fill, .arg = &in});
}
