/*
 * optimizer.h - the update of a step: global norm, clipping, AdamW.
 *
 * Parameters, moments and gradients are contiguous ranges of arenas; a range
 * is one parameter group, and one launch updates it.  The clipping factor
 * stays on the device: nothing waits between backward and update.
 */
#ifndef TRAIN_OPTIMIZER_H
#define TRAIN_OPTIMIZER_H

#include "device/device.h"

/* The settings of one group at one step. */
struct adamw {
    double lr;           // learning rate of this step
    double beta1, beta2; // OLMo: 0.9, 0.95
    double eps;          // OLMo: 1e-8
    double decay;        // decoupled; 0: none
    uint64_t step;       // counts from 1
    uint64_t seed;       // of the stochastic rounding of bf16 weights
};

/*
 * Update the parameters w (n), f32 or bf16, in place.
 *
 * m, v   (n)  f32  in, out  moments
 * g      (n)  f32  in       gradients, before clipping
 * scale  (1)  f32  in       clipping factor
 * first             the group's place among all parameters: the counter of
 *                   the stochastic rounding that bf16 weights get
 *
 * Returns MOE_OK; MOE_EINVAL for another type of w; MOE_ECL.
 */
int adamw_step(struct moe_ctx *ctx, const struct tensor *w,
               const struct tensor *m, const struct tensor *v,
               const struct tensor *g, const struct tensor *scale,
               const struct adamw *o, uint64_t first, uint64_t n);

/* y (n) bf16 = x (n) f32 rounded to nearest even: the weights that products
 * read, from their fp32 master copy. */
int adamw_round(struct moe_ctx *ctx, const struct tensor *y,
                const struct tensor *x, uint64_t n);

/* Partial sums that gradnorm_partial() writes for n elements. */
uint64_t gradnorm_partials(uint64_t n);

/* partial[0 .. gradnorm_partials(n)) = sums of squares of g (n) f32.  Ranges
 * of a model follow one another in one array of partial sums. */
int gradnorm_partial(struct moe_ctx *ctx, const struct tensor *partial,
                     const struct tensor *g, uint64_t n);

/* out (2) f32 = the norm of everything summed into partial (P), and the
 * factor min(1, limit / (norm + 1e-6)); limit 0 never clips. */
int gradnorm_finish(struct moe_ctx *ctx, const struct tensor *out,
                    const struct tensor *partial, uint64_t P, double limit);

#endif
