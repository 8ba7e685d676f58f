/*
 * sample.h - one token from logits: the best, or one by chance.
 */
#ifndef EVAL_SAMPLE_H
#define EVAL_SAMPLE_H

#include <polymoe/error.h>
#include <polymoe/tokenizer.h>

/* A zeroed struct takes the best token. */
struct sample_options {
    double temperature; // 0: the best; else logits are divided by it
    int64_t top_k;      // only the k most probable; 0: all
    double top_p; // only the fewest whose probabilities reach it; 0 or 1: all
    uint64_t seed;
};

struct sampler;

/* For logits of V tokens, of which those without a text of their own are never
 * taken: rows beyond the vocabulary. */
int sampler_create(struct moe_err *err, struct sampler **out,
                   const struct sample_options *opt,
                   const struct moe_tokenizer *t, int64_t V);
void sampler_destroy(struct sampler **sp);

/*
 * The token by logits (V): of equal ones the one with the lower id.  Chance
 * depends on (seed, stream, index) alone.
 *
 * MOE_ENUMERIC when no logit of the vocabulary is a number.
 */
int sampler_pick(struct moe_err *err, struct sampler *s, const float *logits,
                 uint64_t stream, uint64_t index, int32_t *id);

#endif
