/*
 * subject.h - one small checkpoint that is trained, and the numbers that go
 * with it.
 */
#ifndef TESTS_GOLDEN_SUBJECT_H
#define TESTS_GOLDEN_SUBJECT_H

#include "tests/golden/golden.h"

#include "io/safetensors.h"
#include "train/trainer.h"

struct subject {
    struct golden *g;
    struct moe_err *err;
    const char *name; // "tiny/plain"
    struct safetensors vectors;
    char dir[512]; // of the checkpoint
    int64_t B, T;
    int32_t *ids, *target;
};

/* The tensor PREFIX NAME of the vectors, or NULL. */
const struct st_tensor *subject_vector(struct subject *s, const char *prefix,
                                       const char *name);

/* Element i of a tensor of f32, NAN where there is none. */
float subject_scalar(struct subject *s, const char *name, int64_t i);

/* Report a loss or a norm, by its relative error. */
void subject_loss(struct subject *s, const char *what, double got, double want);

/* input_ids (B,T) of a file, and the next token of each as its label. */
int subject_ids(struct subject *s, const struct safetensors *from);

/* OLMo's AdamW at 1e-3, clipping at 1, over fp32 weights. */
struct trainer_options subject_options(const struct subject *s,
                                       const struct loss_options *l,
                                       enum acts_level level, int64_t B);

/* Load the checkpoint anew and make a trainer; both are the caller's, also
 * after a failure. */
int subject_open(struct subject *s, struct moe_model **m, struct trainer **t,
                 const struct trainer_options *opt);
void subject_close(struct moe_model **m, struct trainer **t);

/* Report every trained parameter's gradient or value against PREFIX NAME. */
int subject_params(struct subject *s, struct trainer *t, const char *prefix,
                   bool gradients);

#endif
