/*
 * pcg64.h - numpy's default generator, bit for bit: PCG64 seeded through
 * SeedSequence.
 *
 * It exists for one purpose: the data order of OLMo's trainer is a shuffle
 * by numpy.random.Generator(PCG64(seed)).  All other random numbers of the
 * project are counter-based (base/rng.h).
 * Source: numpy's documentation of SeedSequence, PCG64 and
 * Generator.shuffle; O'Neill 2014, HMC-CS-2014-0905.
 */
#ifndef DATA_PCG64_H
#define DATA_PCG64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pcg64 {
    uint64_t state_hi, state_lo; // 128-bit state and increment
    uint64_t inc_hi, inc_lo;
    uint32_t spare; // the high half of the last word, when have_spare
    bool have_spare;
};

void pcg64_seed(struct pcg64 *g, uint64_t seed);
uint64_t pcg64_next64(struct pcg64 *g);
/* The low half of a 64-bit word, then its high half. */
uint32_t pcg64_next32(struct pcg64 *g);

/* Generator.shuffle: Fisher-Yates from the end with masked rejection. */
void pcg64_shuffle(struct pcg64 *g, uint32_t *a, size_t n);

#endif
