/*
 * run.h - the activations of one shape.
 *
 * One set for all layers: a layer overwrites what the one before it left,
 * except the residual stream x.
 */
#ifndef MODEL_RUN_H
#define MODEL_RUN_H

#include "model/model.h"

/* When a tensor is there: always, unless the run stops at the last router, or
 * when the caller keeps hidden states or routing. */
enum run_when { RUN_ALWAYS, RUN_HEAD, RUN_HIDDEN, RUN_ROUTING };

/* clang-format off */
/* Name, type, when, shape.  N = B T tokens, Q = H S, J = G S, C rows of the
 * head at a time, M blocks of tokens of the check for finite numbers. */
#define RUN_MAP(XX)                               \
    XX(ids,         I32, ALWAYS,  N)              \
    XX(target,      I32, HEAD,    N)              \
    XX(rope,        F32, ALWAYS,  T, S / 2, 2)    \
    XX(x,           F32, ALWAYS,  N, D)           \
    XX(norm,        F32, ALWAYS,  N, D)           \
    XX(rms,         F32, ALWAYS,  N)              \
    XX(q,           F32, ALWAYS,  N, Q)           \
    XX(k,           F32, ALWAYS,  N, J)           \
    XX(v,           F32, ALWAYS,  N, J)           \
    XX(mixed,       F32, ALWAYS,  N, Q)           \
    XX(lse,         F32, ALWAYS,  B, H, T)        \
    XX(scores,      F32, ALWAYS,  N, E)           \
    XX(probs,       F32, ALWAYS,  N, E)           \
    XX(idx,         I32, ALWAYS,  N, K)           \
    XX(weight,      F32, ALWAYS,  N, K)           \
    XX(bad,         I32, ALWAYS,  L, M)           \
    XX(h,           F32, ALWAYS,  N * K, F)       \
    XX(y,           F32, ALWAYS,  N * K, D)       \
    XX(logits,      F32, HEAD,    C, V)           \
    XX(nll,         F32, HEAD,    N)              \
    XX(kept_hidden, F32, HIDDEN,  L + 1, N, D)    \
    XX(kept_scores, F32, ROUTING, L, N, E)        \
    XX(kept_idx,    I32, ROUTING, L, N, K)        \
    XX(kept_weight, F32, ROUTING, L, N, K)
/* clang-format on */

struct moe_run {
    struct moe_model *model;    // borrowed
    struct moe_run_options opt; // largest shape
    int64_t B, T, N;            // of the last pass; N = 0: none yet
    int64_t head_rows;          // C

#define XX(name, type, when, ...) struct tensor name;
    RUN_MAP(XX)
#undef XX

    struct dispatch dispatch;
    struct experts_scratch *experts;

    run_router_fn *observe;
    void *observe_arg;
};

/* The pass over what stands in run->ids, enqueued: run->x is the residual
 * stream afterwards, run->norm its final norm unless routers_only. */
int forward_pass(struct moe_run *run);

#endif
