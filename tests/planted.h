/*
 * planted.h - a results folder of any size with known numbers, for tests of
 * reports.
 */
#ifndef TESTS_PLANTED_H
#define TESTS_PLANTED_H

#include <stdint.h>

struct planted {
    int64_t n, L, E;
    const char *const *name; // n, or NULL: "aa", "ab", ...
    double extra;            // added to every divergence
    int64_t tokens;          // of each language; 0: 20480
};

/*
 * Write DIR/results/ and run.json with every table of an analysis, a training
 * and an evaluation.  Language i uses expert e of layer l by weight
 * 1 + ((i + e + l) mod 5); its divergence from language j in layer l is
 * (0.3 + extra) |i - j| / n (l + 1) / L, their overlap 0.5 - 0.4 |i - j| / n,
 * so the two correlate at -1.  The first half of the languages is high.
 */
void planted_write(const char *dir, const struct planted *p);

/* Four languages, one of a hostile name, 3 layers and 8 experts. */
extern const struct planted planted_four;

/* Replace DIR/results/NAME.csv. */
void planted_table(const char *dir, const char *name, const char *text);

#endif
