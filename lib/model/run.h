/*
 * run.h - the activations of one shape.
 *
 * A run has one set of a layer's activations, which every layer overwrites,
 * and the residual stream x, which every layer adds to.  Training puts another
 * set in its place before each layer (lib/train/acts.h).
 */
#ifndef MODEL_RUN_H
#define MODEL_RUN_H

#include "model/hook.h"
#include "model/model.h"

/* clang-format off */
/* What a layer makes.  Name, type, how inference has it, shape; N = B T
 * tokens, Q = H S, J = G S.  Inference makes the tensors marked OWN, lets the
 * SAME ones share another's memory (layer_acts_share()), and has no NONE. */
#define ACTS_MAP(XX)                      \
    XX(x_in,   F32, NONE, N, D)           \
    XX(norm1,  F32, OWN,  N, D)           \
    XX(rms1,   F32, OWN,  N)              \
    XX(q_raw,  F32, SAME, N, Q)           \
    XX(rms_q,  F32, SAME, N)              \
    XX(q,      F32, OWN,  N, Q)           \
    XX(k_raw,  F32, SAME, N, J)           \
    XX(rms_k,  F32, SAME, N)              \
    XX(k,      F32, OWN,  N, J)           \
    XX(v,      F32, OWN,  N, J)           \
    XX(mixed,  F32, OWN,  N, Q)           \
    XX(lse,    F32, OWN,  B, H, T)        \
    XX(x_mid,  F32, NONE, N, D)           \
    XX(norm2,  F32, SAME, N, D)           \
    XX(rms2,   F32, SAME, N)              \
    XX(scores, F32, OWN,  N, E)           \
    XX(probs,  F32, OWN,  N, E)           \
    XX(idx,    I32, OWN,  N, K)           \
    XX(weight, F32, OWN,  N, K)           \
    XX(pre,    F32, NONE, N * K, 2 * F)   \
    XX(h,      F32, OWN,  N * K, F)
/* clang-format on */

struct layer_acts {
#define XX(name, type, have, ...) struct tensor name;
    ACTS_MAP(XX)
#undef XX
    struct dispatch dispatch;
};

/* Whether inference has a tensor of a layer: of its own, as a second name of
 * another, or not at all. */
enum acts_have { ACTS_OWN, ACTS_SAME, ACTS_NONE };

struct acts_shape {
    const char *name;
    size_t offset; // of the tensor in struct layer_acts
    enum acts_have have;
    struct tensor t;
};

#define XX(name, type, have, ...) +1
enum { ACTS_TENSORS = 0 ACTS_MAP(XX) };
#undef XX

/* ACTS_MAP with numbers in it, for B T tokens. */
void layer_acts_shapes(struct acts_shape list[ACTS_TENSORS],
                       const struct moe_config *c, int64_t B, int64_t T);

/* Give the ACTS_SAME tensors the memory they share. */
void layer_acts_share(struct layer_acts *a);

/* When a tensor of the run is there: always, unless the run stops at the last
 * router, or when the caller keeps hidden states, routing, or keys and values.
 */
enum run_when { RUN_ALWAYS, RUN_HEAD, RUN_HIDDEN, RUN_ROUTING, RUN_CACHE };

/* clang-format off */
/* Name, type, when, shape.  C rows of the head at a time, M blocks of tokens
 * of the check for finite numbers, P positions, R rows of the cache, J = G S. */
#define RUN_MAP(XX)                               \
    XX(ids,         I32, ALWAYS,  N)              \
    XX(target,      I32, HEAD,    N)              \
    XX(rope,        F32, ALWAYS,  P, S / 2, 2)    \
    XX(x,           F32, ALWAYS,  N, D)           \
    XX(norm,        F32, HEAD,    N, D)           \
    XX(rms,         F32, HEAD,    N)              \
    XX(bad,         I32, ALWAYS,  L, M)           \
    XX(y,           F32, ALWAYS,  N * K, D)       \
    XX(pick,        I32, HEAD,    C)              \
    XX(picked,      F32, HEAD,    C, D)           \
    XX(logits,      F32, HEAD,    C, V)           \
    XX(nll,         F32, HEAD,    N)              \
    XX(kept_hidden, F32, HIDDEN,  L + 1, N, D)    \
    XX(kept_scores, F32, ROUTING, L, N, E)        \
    XX(kept_idx,    I32, ROUTING, L, N, K)        \
    XX(kept_weight, F32, ROUTING, L, N, K)        \
    XX(key_row,     I32, CACHE,   N)              \
    XX(position,    I32, CACHE,   N)              \
    XX(tile,        I32, CACHE,   N, 4)           \
    XX(turn,        F32, CACHE,   N, S / 2, 2)    \
    XX(keys,        F32, CACHE,   L, R, J)        \
    XX(values,      F32, CACHE,   L, R, J)
/* clang-format on */

struct moe_run {
    struct moe_model *model;     // borrowed
    struct moe_run_options opt;  // largest shape
    int64_t B, T, N;             // of the last pass; N = 0: none yet
    int64_t head_rows;           // C
    int64_t tiles;               // of the packed rows; 0: B sequences of T
    struct moe_segment *segment; // of the packed rows
    size_t segments, segment_cap;
    int64_t bad_sequence; // of the last run_check_finite(); -1: none

#define XX(name, type, when, ...) struct tensor name;
    RUN_MAP(XX)
#undef XX

    struct layer_acts a; // of the layer that is being computed
    struct experts_scratch *experts;

    const struct moe_hook *hook; // borrowed; NULL: routers are left alone

    run_router_fn *observe;
    void *observe_arg;
};

/* The pass over what stands in run->ids, enqueued: run->x is the residual
 * stream afterwards, run->norm its final norm unless routers_only. */
int forward_pass(struct moe_run *run);

/* Its parts: x = embed(ids); one layer with the activations in run->a, which
 * keep the residual stream where they have room for it; the final norm. */
int forward_embed(struct moe_run *run);
int forward_layer(struct moe_run *run, int64_t layer);
int forward_final(struct moe_run *run);

/* MOE_ENUMERIC, with layer and token, when any layer of the last pass had a
 * router logit that is not finite.  Waits. */
int run_check_finite(struct moe_run *run);

/* The place of token row n for an error: its sequence, or its segment, and its
 * position there. */
void run_place(const struct moe_run *run, int64_t n, int64_t *sequence,
               int64_t *position);

/* MOE_EFORMAT unless B and T fit the run and every id is in [0,V). */
int run_check_ids(struct moe_run *run, const int32_t *ids, int64_t B,
                  int64_t T);

/* MOE_EINVAL unless a pass with a final norm was made. */
int head_check(struct moe_run *run);

/* How many of the rows that are left the head takes at once. */
int64_t head_stretch(const struct moe_run *run, int64_t left);

/* run->logits = rows [row, row + rows) of the final norm times the head; at
 * most head_rows of them. */
int head_logits(struct moe_run *run, int64_t row, int64_t rows);

/* Once over the head: nll (B,T-1) as moe_run_nll(), and `see` is called for
 * each stretch of rows while run->logits holds theirs; NULL: nobody looks. */
typedef int head_see_fn(void *arg, int64_t row, int64_t rows);
int head_pass(struct moe_run *run, float *nll, head_see_fn *see, void *arg);

#endif
