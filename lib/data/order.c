/*
 * order.c - which training instance comes when, as OLMo's trainer decides.
 */
#include "data/order.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "data/pcg64.h"

/* Instances left when the last incomplete round over the ranks is dropped. */
static uint64_t
without_remainder(uint64_t n, uint64_t world)
{
    if (n % world == 0)
        return n;
    return (n - world + world - 1) / world * world;
}

int
order_olmo(struct moe_err *err, uint32_t **out, uint64_t *count, uint64_t n,
           uint64_t seed, uint64_t epoch, uint64_t world)
{
    size_t bytes;
    *out = NULL;
    *count = 0;
    if (world == 0 || n < world || n > UINT32_MAX)
        return moe_fail(err, MOE_EINVAL,
                        "order: %" PRIu64 " instances for batches of %" PRIu64
                        ", want at least one batch and below 2^32",
                        n, world);
    if (!mem_mul(&bytes, (size_t)n, sizeof **out) || !(*out = malloc(bytes)))
        return moe_fail(err, MOE_ENOMEM,
                        "order: no memory for %" PRIu64 " instances", n);
    for (uint64_t i = 0; i < n; i++)
        (*out)[i] = (uint32_t)i;
    struct pcg64 g;
    pcg64_seed(&g, seed + epoch);
    pcg64_shuffle(&g, *out, (size_t)n);
    *count = without_remainder(n, world);
    return MOE_OK;
}
