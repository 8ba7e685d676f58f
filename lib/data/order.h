/*
 * order.h - which training instance comes when, as OLMo's trainer decides.
 *
 * An instance is a window of S tokens; the windows of each file are taken one
 * after the other, its remainder is dropped, files follow in the order of the
 * configuration.  Each epoch shuffles all instances with PCG64(seed + epoch).
 */
#ifndef DATA_ORDER_H
#define DATA_ORDER_H

#include <stdint.h>

#include <polymoe/error.h>

/*
 * The instances that an epoch trains on, in order.
 *
 * index  *out, *count of them, freed by the caller
 * n      instances, below 2^32
 * world  what the count is made a multiple of: as OLMo cuts it (drop_last),
 *        world * ceil((n - world) / world) when n is no multiple of world
 *
 * MOE_EINVAL for n above 2^32 - 1, world = 0, or fewer instances than world;
 * MOE_ENOMEM.
 */
int order_olmo(struct moe_err *err, uint32_t **out, uint64_t *count, uint64_t n,
               uint64_t seed, uint64_t epoch, uint64_t world);

#endif
