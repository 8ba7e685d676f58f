/*
 * rng.h - counter-based random numbers: Philox4x32-10.
 *
 * The value depends only on (seed, stream, index), so a resumed run, another
 * launch order or another device gives the same numbers.
 * Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

/* Four 32-bit words of block `index` in stream `stream`. */
void rng_block(uint32_t out[4], uint64_t seed, uint64_t stream, uint64_t index);

/* A double in [0, 1), and a standard normal one (Box-Muller, fp64). */
double rng_uniform(uint64_t seed, uint64_t stream, uint64_t index);
double rng_normal(uint64_t seed, uint64_t stream, uint64_t index);

#endif
