/*
 * auxloss.h - the router's losses, in both conventions.
 *
 * With n[l,e] the top-k choices of expert e in layer l over N tokens, p the
 * full softmax and lse the log-sum-exp of the router's logits:
 *
 *   AUX_MEGABLOCKS  E / (L N K)  sum_l sum_e n[l,e] mean_n p[l,n,e]
 *                   1 at perfect balance; as OLMoE was trained
 *   AUX_HF          E sum_e (sum_l n[l,e] / (L N)) (sum_l sum_n p / (L N))
 *                   K at perfect balance; layers are pooled before the product
 *   z               sum_l sum_n lse^2 / (L N), and divided by K as well when
 *                   z_div_topk, as OLMoE was trained
 *
 * Gradients flow through p and lse only.  Sources: cl/auxloss.cl.
 */
#ifndef TRAIN_AUXLOSS_H
#define TRAIN_AUXLOSS_H

#include "device/device.h"
#include "nn/nn.h"

enum aux_kind { AUX_MEGABLOCKS, AUX_HF };

/* Sums over the tokens of one layer: sums (E+1) f32 from probs and logits
 * (N,E).  partial (NN_PARTS,E+1) scratch. */
int auxloss_sums(struct moe_ctx *ctx, const struct tensor *sums,
                 const struct tensor *partial, const struct tensor *probs,
                 const struct tensor *logits, int64_t N, int64_t E);

/* balance (L,E) f32: what the balancing loss times `weight` adds to the
 * gradient of every p[l,n,e], from count (L,E) i32 of the same N tokens. */
int auxloss_balance(struct moe_ctx *ctx, const struct tensor *balance,
                    const struct tensor *count, enum aux_kind kind,
                    double weight, int64_t L, int64_t N, int64_t E, int64_t K);

/* The factor of lse p in a logit's gradient, for router_backward(). */
double auxloss_z_factor(double weight, bool z_div_topk, int64_t L, int64_t N,
                        int64_t K);

struct auxloss {
    double balance; // by the kind asked for, without its weight
    double z;       // likewise
};

/* The losses from sums (L,E+1) and counts (L,E), on the host in double. */
struct auxloss auxloss_values(const double *sums, const uint64_t *count,
                              enum aux_kind kind, bool z_div_topk, int64_t L,
                              int64_t N, int64_t E, int64_t K);

#endif
