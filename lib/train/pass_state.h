/*
 * pass_state.h - what the files of a training pass share.
 */
#ifndef TRAIN_PASS_STATE_H
#define TRAIN_PASS_STATE_H

#include "train/pass.h"

/* clang-format off */
/* Scratch of the backward half.  Name, type, shape; N = B T tokens, Q = H S,
 * J = G S, W the widest row that is summed over tokens. */
#define PASS_MAP(XX)                      \
    XX(dx,           F32, N, D)           \
    XX(dnorm,        F32, N, D)           \
    XX(dmixed,       F32, N, Q)           \
    XX(dq,           F32, N, Q)           \
    XX(dk,           F32, N, J)           \
    XX(dv,           F32, N, J)           \
    XX(unclipped,    F32, N, Q)           \
    XX(delta,        F32, B, H, T)        \
    XX(dscores,      F32, N, E)           \
    XX(dweight,      F32, N, K)           \
    XX(slot_weight,  F32, N * K)          \
    XX(dslot_weight, F32, N * K)          \
    XX(dslot,        F32, N * K, D)       \
    XX(partial,      F32, NN_PARTS, W)    \
    XX(balance,      F32, L, E)           \
    XX(counts,       I32, L, E)           \
    XX(known_counts, I32, L, E)           \
    XX(sums,         F32, L, E + 1)       \
    XX(order,        I32, N)              \
    XX(first,        I32, N + 1)
/* clang-format on */

struct pass {
    struct moe_ctx *ctx;     // borrowed
    struct moe_model *model; // borrowed
    struct arena *arena;     // borrowed
    struct pass_options opt;
    struct moe_run *run;    // owned: forward, head, shared scratch
    struct layer_acts lent; // the run's own activations while others stand in
    struct acts *acts;      // owned
    int64_t different;      // ids in the micro-batch
    float z_factor;         // of this micro-batch
    int64_t frozen;         // pass_frozen()
    float *window;          // (T,D), with a prefix
    int32_t *none_bad;      // of the frozen layers, with a prefix
    // Since the last pass_sums():
    struct pass_sums total;
    uint64_t *count;      // (L,E)
    double *sums_of_all;  // (L,E+1)
    int32_t *known;       // (L,E), what pass_count() saw
    int64_t known_tokens; // 0: it was not called

#define XX(name, type, ...) struct tensor name;
    PASS_MAP(XX)
#undef XX
};

/* Make what the level did not keep of layer l again, before its backward. */
int pass_restore(struct pass *p, int64_t l);

/* ---- pass_prefix.c: the frozen layers -------------------------------------
 */

/* What a cache needs; MOE_EINVAL for one that has no use. */
int pass_prefix_create(struct pass *p);
void pass_prefix_destroy(struct pass *p);

/* run->x, the residual stream, at the first layer that is not frozen. */
int pass_below(struct pass *p, const int32_t *ids);

/* ---- pass_aux.c: the losses of the routers --------------------------------
 */

/* What they need of a layer, before its activations go. */
int pass_note_layer(struct pass *p, int64_t l);

/* What they add to the gradients of all layers, `share` being the part of the
 * batch that this micro-batch is. */
int pass_auxiliary(struct pass *p, double share);

/* Wait, and add this micro-batch to the counts of the batch, or to the sums of
 * the pass. */
int pass_add_known(struct pass *p);
int pass_add_routers(struct pass *p);

/* ---- pass_head.c, backward.c ----------------------------------------------
 */

/* dx, the gradient of the residual stream after the last layer, the gradients
 * of head and final norm, and run->nll (N). */
int pass_head(struct pass *p, double ce_scale);

/* From p->dx down to the lowest trained layer. */
int pass_backward(struct pass *p);

#endif
