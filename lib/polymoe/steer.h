/*
 * steer.h - a router steered towards some experts, or away from them.
 *
 *     struct moe_steering s = {.method = MOE_STEER_SOFT, .strength = 0.5,
 *                              .on = &experts};
 *     moe_steer(h, &s);
 *     moe_run_hook(run, h);
 */
#ifndef POLYMOE_STEER_H
#define POLYMOE_STEER_H

#include <polymoe/hook.h>
#include <polymoe/routing.h>

#ifdef __cplusplus
extern "C" {
#endif

enum moe_steer_method {
    MOE_STEER_SOFT,     // z + strength s, below 0 away from the experts
    MOE_STEER_HARD,     // above every other
    MOE_STEER_SUPPRESS, // below every other
    MOE_STEER_STEERMOE, // on above and off below, after a log-softmax
    MOE_STEER_MASK      // never chosen
};

struct moe_steering {
    enum moe_steer_method method;
    double strength;               // of SOFT
    double margin;                 // of HARD, SUPPRESS and STEERMOE, >= 0
    const struct moe_experts *on;  // those that are steered
    const struct moe_experts *off; // with STEERMOE, below all; may be NULL
};

/* Put the edits into a hook for models of L layers and E experts; nothing for
 * empty sets, or for SOFT with strength 0.  MOE_EINVAL as moe_hook_edit(). */
MOE_API int moe_steer(struct moe_hook *h, const struct moe_steering *s);

/* ---- Other experts than those, as controls ------------------------------- */

/* Only those of the layers in (L). */
MOE_API void moe_experts_keep(struct moe_experts *experts, const bool *in);

/* As many experts of each layer, drawn from the others of the E; the same for
 * the same seed.  MOE_EINVAL naming a layer with too few others. */
MOE_API int moe_experts_random(struct moe_err *err, struct moe_experts *experts,
                               uint64_t seed, int64_t E);

/* The experts of the same numbers `by` layers later, earlier when negative.
 * MOE_EINVAL naming a layer that this moves out of [0, L). */
MOE_API int moe_experts_shift(struct moe_err *err, struct moe_experts *experts,
                              int64_t by, int64_t L);

#ifdef __cplusplus
}
#endif
#endif
