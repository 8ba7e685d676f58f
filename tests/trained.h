/*
 * trained.h - small random models to train, with everything that the
 * architecture allows, and their batches.
 */
#ifndef TESTS_TRAINED_H
#define TESTS_TRAINED_H

#include "tests/support.h"

#include <stdbool.h>

#include "train/trainer.h"

enum {
    TRAINED_V = 40,
    TRAINED_T = 9,
    TRAINED_ROWS = 4, // windows of a batch
    TRAINED_N = TRAINED_ROWS * TRAINED_T,
    TRAINED_VARIANTS = 2
};

struct trained_variant {
    const char *name;
    int key_heads;
    const char *bias, *clip, *renorm, *tied;
    bool hf; // whose losses
};
extern const struct trained_variant trained_variants[TRAINED_VARIANTS];

/* Make and load a model; large weights use every nonlinearity. */
struct moe_model *trained_model(const struct trained_variant *v);

struct trainer_options trained_options(const struct trained_variant *v,
                                       enum acts_level level, int64_t micro);

/* ids and target (TRAINED_ROWS,TRAINED_T) of a step, random; some labels are
 * masked. */
void trained_batch(int32_t *ids, int32_t *target, uint64_t step);

/* Every trained number of the arena, weights or gradients, in order; the
 * caller frees them. */
float *trained_values(struct trainer *t, bool gradients, size_t *n);
double *trained_widen(const float *x, size_t n);

#endif
