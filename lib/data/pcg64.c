/*
 * pcg64.c - numpy's default generator, bit for bit.
 */
#include "data/pcg64.h"

/* SeedSequence: a pool of four words, two hash streams, one mixer. */
enum { POOL = 4, WORDS = 8 };
static const uint32_t INIT_A = 0x43b0d7e5u, MULT_A = 0x931e8875u;
static const uint32_t INIT_B = 0x8b51f9ddu, MULT_B = 0x58f38dedu;
static const uint32_t MIX_L = 0xca01f9ddu, MIX_R = 0x4973f715u;

/* The 128-bit multiplier of PCG64. */
static const uint64_t MULT_HI = 0x2360ed051fc65da4u;
static const uint64_t MULT_LO = 0x4385df649fccf645u;

static uint32_t
hash_mix(uint32_t v, uint32_t *h)
{
    v ^= *h;
    *h *= MULT_A;
    v *= *h;
    return v ^ v >> 16;
}

static uint32_t
mix(uint32_t x, uint32_t y)
{
    uint32_t r = MIX_L * x - MIX_R * y;
    return r ^ r >> 16;
}

/* The eight 32-bit words that SeedSequence(seed) generates. */
static void
seed_words(uint32_t out[WORDS], uint64_t seed)
{
    /* Two words of entropy at most: they always fit the pool. */
    const uint32_t entropy[POOL] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t pool[POOL], h = INIT_A;
    for (int i = 0; i < POOL; i++)
        pool[i] = hash_mix(entropy[i], &h);
    for (int s = 0; s < POOL; s++)
        for (int d = 0; d < POOL; d++)
            if (s != d)
                pool[d] = mix(pool[d], hash_mix(pool[s], &h));
    h = INIT_B;
    for (int i = 0; i < WORDS; i++) {
        uint32_t v = pool[i % POOL] ^ h;
        h *= MULT_B;
        v *= h;
        out[i] = v ^ v >> 16;
    }
}

/* High half of a 64 by 64 bit product. */
static uint64_t
multiply_high(uint64_t a, uint64_t b)
{
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t mid = a1 * b0 + (a0 * b0 >> 32);
    uint64_t low = (uint32_t)mid + a0 * b1;
    return a1 * b1 + (mid >> 32) + (low >> 32);
}

static void
add(uint64_t *hi, uint64_t *lo, uint64_t add_hi, uint64_t add_lo)
{
    *lo += add_lo;
    *hi += add_hi + (*lo < add_lo);
}

static void
step(struct pcg64 *g)
{
    uint64_t hi = multiply_high(g->state_lo, MULT_LO) + g->state_hi * MULT_LO +
                  g->state_lo * MULT_HI;
    uint64_t lo = g->state_lo * MULT_LO;
    add(&hi, &lo, g->inc_hi, g->inc_lo);
    g->state_hi = hi;
    g->state_lo = lo;
}

void
pcg64_seed(struct pcg64 *g, uint64_t seed)
{
    uint32_t v[WORDS];
    uint64_t w[POOL];
    seed_words(v, seed);
    for (int i = 0; i < POOL; i++)
        w[i] = v[2 * i] | (uint64_t)v[2 * i + 1] << 32;
    *g = (struct pcg64){0};
    g->inc_hi = w[2] << 1 | w[3] >> 63;
    g->inc_lo = w[3] << 1 | 1;
    step(g);
    add(&g->state_hi, &g->state_lo, w[0], w[1]);
    step(g);
}

uint64_t
pcg64_next64(struct pcg64 *g)
{
    step(g);
    uint64_t x = g->state_hi ^ g->state_lo;
    unsigned r = (unsigned)(g->state_hi >> 58);
    return x >> r | x << (-r & 63);
}

uint32_t
pcg64_next32(struct pcg64 *g)
{
    if (g->have_spare) {
        g->have_spare = false;
        return g->spare;
    }
    uint64_t x = pcg64_next64(g);
    g->spare = (uint32_t)(x >> 32);
    g->have_spare = true;
    return (uint32_t)x;
}

/* A uniform index in [0, top]. */
static uint32_t
below(struct pcg64 *g, uint32_t top)
{
    uint32_t mask = top, j;
    for (int s = 1; s < 32; s *= 2)
        mask |= mask >> s;
    do
        j = pcg64_next32(g) & mask;
    while (j > top);
    return j;
}

void
pcg64_shuffle(struct pcg64 *g, uint32_t *a, size_t n)
{
    for (size_t i = n; i-- > 1;) {
        uint32_t j = below(g, (uint32_t)i), x = a[i];
        a[i] = a[j];
        a[j] = x;
    }
}
