/*
 * rng.c - counter-based random numbers: Philox4x32-10.
 */
#include "base/rng.h"

#include <math.h>

/* Multipliers and key increments of the paper's table 2. */
static const uint32_t M0 = 0xD2511F53u, M1 = 0xCD9E8D57u;
static const uint32_t W0 = 0x9E3779B9u, W1 = 0xBB67AE85u;
enum { ROUNDS = 10 };

void
rng_block(uint32_t out[4], uint64_t seed, uint64_t stream, uint64_t index)
{
    uint32_t c[4] = {(uint32_t)index, (uint32_t)(index >> 32), (uint32_t)stream,
                     (uint32_t)(stream >> 32)};
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int r = 0; r < ROUNDS; r++) {
        uint64_t p0 = (uint64_t)M0 * c[0], p1 = (uint64_t)M1 * c[2];
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c[1] ^ k0;
        uint32_t n2 = (uint32_t)(p0 >> 32) ^ c[3] ^ k1;
        c[1] = (uint32_t)p1;
        c[3] = (uint32_t)p0;
        c[0] = n0;
        c[2] = n2;
        k0 += W0;
        k1 += W1;
    }
    for (int i = 0; i < 4; i++)
        out[i] = c[i];
}

/* 53 random bits, from the high ends of two words. */
static double
unit(uint32_t hi, uint32_t lo)
{
    uint64_t bits = ((uint64_t)hi << 21) ^ (lo >> 11);
    return (double)(bits & ((UINT64_C(1) << 53) - 1)) * 0x1p-53;
}

double
rng_uniform(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint32_t w[4];
    rng_block(w, seed, stream, index);
    return unit(w[0], w[1]);
}

double
rng_normal(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint32_t w[4];
    rng_block(w, seed, stream, index);
    double radius = sqrt(-2.0 * log(1.0 - unit(w[0], w[1])));
    return radius * cos(6.283185307179586 * unit(w[2], w[3]));
}
