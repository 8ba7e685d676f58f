/*
 * experts_control.c - sets of experts that a steered set is compared with.
 */
#include "config.h"

#include <polymoe/steer.h>

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "routing/experts_set.h"

void
moe_experts_keep(struct moe_experts *experts, const bool *in)
{
    for (int64_t i = 0; i < experts->layers; i++)
        if (!in[experts->layer[i].layer])
            experts->layer[i].n = 0;
    experts_close(experts);
}

/* n of the experts that the layer does not have, in its place. */
static void
draw(struct moe_layer_experts *layer, int32_t *other, uint64_t seed, int64_t E)
{
    int64_t left = 0;
    for (int32_t e = 0; e < E; e++)
        if (!experts_have(layer, e))
            other[left++] = e;
    for (int64_t i = 0; i < layer->n; i++, left--) {
        const double u = rng_uniform(seed, (uint64_t)layer->layer, (uint64_t)i);
        const int64_t at = (int64_t)(u * (double)left);
        layer->expert[i] = other[at];
        other[at] = other[left - 1];
    }
}

int
moe_experts_random(struct moe_err *err, struct moe_experts *experts,
                   uint64_t seed, int64_t E)
{
    int32_t *other = mem_zero((size_t)E, sizeof *other);
    int rc = MOE_OK;
    if (!other)
        return moe_fail(err, MOE_ENOMEM, "experts: out of memory");
    for (int64_t i = 0; !rc && i < experts->layers; i++) {
        struct moe_layer_experts *layer = &experts->layer[i];
        if (2 * layer->n > E)
            rc = moe_fail(err, MOE_EINVAL,
                          "layer %" PRId64 ": %" PRId64
                          " random experts beside as many of %" PRId64
                          ", want at most half",
                          layer->layer, layer->n, E);
        else
            draw(layer, other, seed, E);
    }
    free(other);
    return rc;
}

int
moe_experts_shift(struct moe_err *err, struct moe_experts *experts, int64_t by,
                  int64_t L)
{
    for (int64_t i = 0; i < experts->layers; i++) {
        const int64_t to = experts->layer[i].layer + by;
        if (to < 0 || to >= L)
            return moe_fail(err, MOE_EINVAL,
                            "layer %" PRId64 " shifted by %" PRId64
                            " is %" PRId64 ", want 0 to %" PRId64,
                            experts->layer[i].layer, by, to, L - 1);
    }
    for (int64_t i = 0; i < experts->layers; i++)
        experts->layer[i].layer += by;
    return MOE_OK;
}
