/*
 * nn.h - the operators of the model, one file each, forward beside backward.
 *
 * Arguments: context, outputs, inputs, weights, sizes.  Activations are f32;
 * norm weights, biases and router weights are f32 copies; the large weights
 * keep the type they have in the file and are decoded in the kernel.  Integer
 * tensors are i32.  Every function enqueues and returns; nothing waits.
 *
 * Each returns MOE_OK, MOE_ECL or MOE_EBUILD; shapes are the caller's promise
 * and are asserted.
 */
#ifndef NN_NN_H
#define NN_NN_H

#include "device/need.h"

/* x[n,:] = table[ids[n],:].  x (N,D) f32 out; ids (N) i32, each in [0,V);
 * table (V,D) any float type. */
int embed_forward(struct moe_ctx *ctx, const struct tensor *x,
                  const struct tensor *ids, const struct tensor *table,
                  int64_t N, int64_t D);

/* y[n,d] = w[d] x[n,d] r[n], r[n] = 1 / sqrt(mean_d x[n,d]^2 + eps).
 * y (N,D) out, may be x; r (N) out, for backward; w (D). */
int rmsnorm_forward(struct moe_ctx *ctx, const struct tensor *y,
                    const struct tensor *r, const struct tensor *x,
                    const struct tensor *w, int64_t N, int64_t D, float eps);

/* Clamp every element of x (N,D) to [-limit, limit], in place. */
int clip_forward(struct moe_ctx *ctx, const struct tensor *x, float limit,
                 int64_t N, int64_t D);

/* Rotate-half rotary positions, in place: x (B,T,H,S); position t of a
 * sequence turns pair (i, i + S/2) by (start + t) theta^(-2i/S).
 * Angles in fp32 from a table (T,S/2,2) of cos and sin made by rope_table(). */
int rope_forward(struct moe_ctx *ctx, const struct tensor *x,
                 const struct tensor *table, int64_t B, int64_t T, int64_t H,
                 int64_t S);
/* table (T,S/2,2) f32: cos, sin of position t; computed in double on the
 * host as Hugging Face rounds it (inverse frequencies and angles in fp32). */
int rope_table(struct moe_ctx *ctx, const struct tensor *table, int64_t T,
               int64_t S, double theta);

/* Causal attention: out[b,t,h,:] = sum_u softmax_u(q.k / sqrt(S)) v, u <= t.
 * out (B,T,H,S), q (B,T,H,S), k and v (B,T,G,S); query head h reads key head
 * h / (H/G).  lse (B,H,T) out: log-sum-exp of the scaled scores, for
 * backward. */
int attention_forward(struct moe_ctx *ctx, const struct tensor *out,
                      const struct tensor *lse, const struct tensor *q,
                      const struct tensor *k, const struct tensor *v, int64_t B,
                      int64_t T, int64_t H, int64_t G, int64_t S);

/*
 * Where each of N rows stands when they are tokens of many sequences, one
 * after another, whose keys and values lie in a cache of R rows: position p of
 * a sequence has the row of position 0 plus p.
 *
 * key_row (N)   i32  row n's own row of the cache
 * position (N)  i32  its position in its sequence
 * tile (M,4)    i32  what one item of the CPU kernel takes, at most
 *                    attention_tile_rows() rows of one sequence: first row,
 *                    rows, cache row of position 0, position of the first row
 */
struct packing {
    struct tensor key_row, position, tile;
    int64_t tiles; // M
};
int64_t attention_tile_rows(struct moe_ctx *ctx, int64_t S);

/* Attention of such rows: row n sees positions 0 .. position[n] of its
 * sequence in k and v (R,G,S).  out, q (N,H,S); lse (H,N) out.  The numbers of
 * a row do not depend on the other rows. */
int attention_packed(struct moe_ctx *ctx, const struct tensor *out,
                     const struct tensor *lse, const struct tensor *q,
                     const struct tensor *k, const struct tensor *v,
                     const struct packing *p, int64_t N, int64_t H, int64_t G,
                     int64_t S);

/* y[at[n],:] = x[n,:].  y (R,D) f32, x (N,D) f32, at (N) i32, each in [0,R)
 * and no two alike. */
int scatter_forward(struct moe_ctx *ctx, const struct tensor *y,
                    const struct tensor *x, const struct tensor *at, int64_t N,
                    int64_t D);

/* From router logits (N,E): probs (N,E) = softmax; idx (N,K) i32 the K
 * largest, descending, ties to the lower index; weight (N,K) = probs at idx,
 * divided by their sum when renorm.  A NaN logit gives idx -1 in its row. */
int router_forward(struct moe_ctx *ctx, const struct tensor *probs,
                   const struct tensor *idx, const struct tensor *weight,
                   const struct tensor *logits, int64_t N, int64_t E, int64_t K,
                   bool renorm);

/* logits (N,E) changed in place: rule (E) i32 and value (E,3) say how for each
 * expert, as the rows of a moe_hook (cl/edit.cl); first they become
 * log-probabilities when `normalise`. */
int edit_forward(struct moe_ctx *ctx, const struct tensor *logits,
                 const struct tensor *rule, const struct tensor *value,
                 int64_t N, int64_t E, bool normalise);

/* bad[m] = the first row of block m of x (N,E) that holds a NaN or an infinity,
 * counted from row 0 of x; -1 when none does.  A block is FINITE_ROWS rows;
 * bad (finite_blocks(N)) i32 out. */
enum { FINITE_ROWS = 64 };
int64_t finite_blocks(int64_t N);
int finite_forward(struct moe_ctx *ctx, const struct tensor *bad,
                   const struct tensor *x, int64_t N, int64_t E);

/* Slots sorted by expert, stably (by token, then rank):
 *   count (E) i32      slots of each expert
 *   start (E+1) i32    exclusive scan of count
 *   slot_token (N*K)   token of each sorted slot
 *   slot_of (N,K) i32  sorted slot of (token, rank)
 * A stable counting sort, no atomics: the same order on every device. */
struct dispatch {
    struct tensor count, start, slot_token, slot_of;
    struct tensor partial; // scratch (ceil(N/64), E) i32
};
int dispatch_create(struct moe_ctx *ctx, struct dispatch *d, int64_t N,
                    int64_t E, int64_t K);
void dispatch_destroy(struct dispatch *d);
/* The buffers of `n` of them. */
void dispatch_need(struct need *need, int64_t N, int64_t E, int64_t K,
                   uint64_t n);
int dispatch_forward(struct moe_ctx *ctx, const struct dispatch *d,
                     const struct tensor *idx, int64_t N, int64_t E, int64_t K);

/* Where an expert's three matrices lie in the layer's buffer. */
struct expert_weights {
    struct buffer *buf; // borrowed
    enum dtype dtype;
    struct tensor offsets; // (E,3) u64: element offsets of gate, up, down
};

/*
 * The expert MLPs over the sorted slots:
 *   h[s,f]   = silu(x[t] . gate[e,f,:]) * (x[t] . up[e,f,:]),  t = token of s
 *   y[s,:]   = down[e] h[s,:]
 * y (N*K,D) out; h (N*K,F) out; pre (N*K,2F) out, or NULL: row s holds the
 * products with gate (F), then with up (F), as backward wants them; x (N,D).
 * gate, up (F,D), down (D,F) per expert.  A tile list made on the device drives
 * one launch a stage: no loop over experts on the host, nothing padded in
 * memory.
 */
struct experts_scratch; // tile list and packing space for one shape
/* Its buffers, on a device with the smallest tiles. */
void experts_need(struct need *need, int64_t N, int64_t E, int64_t K);
int experts_create(struct moe_ctx *ctx, struct experts_scratch **out, int64_t N,
                   int64_t E, int64_t K, int64_t D, int64_t F);
/* Whether from now on the numbers of a slot depend on how many the expert has;
 * they do when it was never called. */
void experts_steady(struct experts_scratch *s, bool steady);
void experts_destroy(struct experts_scratch **sp);
int experts_forward(struct moe_ctx *ctx, struct experts_scratch *s,
                    const struct tensor *y, const struct tensor *h,
                    const struct tensor *pre, const struct tensor *x,
                    const struct expert_weights *w, const struct dispatch *d,
                    int64_t N, int64_t E, int64_t K, int64_t D, int64_t F);

/* x[n,:] += sum_k weight[n,k] y[slot_of[n,k],:], k in rank order. */
int combine_forward(struct moe_ctx *ctx, const struct tensor *x,
                    const struct tensor *y, const struct tensor *weight,
                    const struct dispatch *d, int64_t N, int64_t K, int64_t D);

/* nll[n] = logsumexp_v(logits[n,:]) - logits[n,target[n]]; 0 where target is
 * negative.  logits (N,V) f32; target (N) i32. */
int xent_forward(struct moe_ctx *ctx, const struct tensor *nll,
                 const struct tensor *logits, const struct tensor *target,
                 int64_t N, int64_t V);

/* x[i] = 0, n elements, by all cores, which a device's own fill may not do. */
int zero_forward(struct moe_ctx *ctx, const struct tensor *x, uint64_t n);

/* x[i] += y[i], n elements. */
int add_forward(struct moe_ctx *ctx, const struct tensor *x,
                const struct tensor *y, int64_t n);

/* ---- Backward -----------------------------------------------------------
 *
 * A gradient is named as what it is the gradient of, with a d before it.
 * Gradients of parameters add to what their memory holds (micro-batches);
 * gradients of activations overwrite, except where += is written.  `partial`
 * is scratch for sums over tokens: NN_PARTS rows of the width given, added in
 * a fixed order.
 */
enum { NN_PARTS = 64 };

/* dtable[ids[n],:] += dx[n,:], n ascending.  order (N) i32: tokens sorted by
 * id, then by n; first (U+1) i32: where each of the U different ids begins in
 * it.  Both come from embed_order() on the host. */
int embed_backward(struct moe_ctx *ctx, const struct tensor *dtable,
                   const struct tensor *dx, const struct tensor *ids,
                   const struct tensor *order, const struct tensor *first,
                   int64_t U, int64_t D);
/* order (N), first (N+1): filled on the host; returns U, at most N. */
int64_t embed_order(int32_t *order, int32_t *first, const int32_t *ids,
                    int64_t N);

/* dx[n,:] (+= with accumulate) r (w dy - x r^2 mean_d(w dy x));
 * dw[d] += sum_n dy x r, unless dw is NULL.  partial (NN_PARTS,D), unused
 * without dw.  dx may be dy. */
int rmsnorm_backward(struct moe_ctx *ctx, const struct tensor *dx,
                     const struct tensor *dw, const struct tensor *partial,
                     const struct tensor *dy, const struct tensor *x,
                     const struct tensor *r, const struct tensor *w, int64_t N,
                     int64_t D, bool accumulate);

/* dx[i] = 0 where |y[i]| >= limit, in place; y (N,D) is the clipped value. */
int clip_backward(struct moe_ctx *ctx, const struct tensor *dx,
                  const struct tensor *y, float limit, int64_t N, int64_t D);

/* The rotation back, in place: dx (B,T,H,S), table as in rope_forward(). */
int rope_backward(struct moe_ctx *ctx, const struct tensor *dx,
                  const struct tensor *table, int64_t B, int64_t T, int64_t H,
                  int64_t S);

/* dq (B,T,H,S), dk and dv (B,T,G,S) from dout; scores are computed again from
 * q, k and lse, so nothing of size T x T exists.  delta (B,H,T) scratch. */
int attention_backward(struct moe_ctx *ctx, const struct tensor *dq,
                       const struct tensor *dk, const struct tensor *dv,
                       const struct tensor *delta, const struct tensor *dout,
                       const struct tensor *out, const struct tensor *q,
                       const struct tensor *k, const struct tensor *v,
                       const struct tensor *lse, int64_t B, int64_t T,
                       int64_t H, int64_t G, int64_t S);

/*
 * dlogits (N,E) of everything that reads a router's logits:
 *   dp      = dweight (N,K) through the choice (and its renormalisation),
 *             plus balance[e] for every token: the load-balancing loss
 *   dlogits = p (dp - sum_e p dp) + 2 z lse p,  lse = logsumexp_e(logits)
 * balance (E) f32, or NULL; z: the z-loss' weight over its denominator.
 */
int router_backward(struct moe_ctx *ctx, const struct tensor *dlogits,
                    const struct tensor *dweight, const struct tensor *balance,
                    const struct tensor *logits, const struct tensor *probs,
                    const struct tensor *idx, const struct tensor *weight,
                    float z, int64_t N, int64_t E, int64_t K, bool renorm);

/* dlogits (N,E) of the logits after edit_forward() become those of before, in
 * place; for rules that shift without the deviation, and masks. */
int edit_backward(struct moe_ctx *ctx, const struct tensor *dlogits,
                  const struct tensor *rule, const struct tensor *value,
                  int64_t N, int64_t E);

/* ws[slot_of[n,k]] = weight[n,k]: the weights in the order of the slots. */
int combine_weights(struct moe_ctx *ctx, const struct tensor *ws,
                    const struct tensor *weight, const struct dispatch *d,
                    int64_t N, int64_t K);
/* dweight[n,k] = dws[slot_of[n,k]];  dx[n,:] += sum_k dxs[slot_of[n,k],:].
 * dws (N*K) and dxs (N*K,D) come from experts_backward(). */
int combine_backward(struct moe_ctx *ctx, const struct tensor *dweight,
                     const struct tensor *dx, const struct tensor *dws,
                     const struct tensor *dxs, const struct dispatch *d,
                     int64_t N, int64_t K, int64_t D);

/* The scratch that experts_backward() makes in its first call, on a device with
 * the smallest tiles. */
void experts_grad_need(struct need *need, int64_t N, int64_t E, int64_t K,
                       int64_t F, bool without_h);

/*
 * The experts and the combination after them, backwards; outputs y of the
 * experts are not needed.  With t = token, e = expert of slot s, and
 * g, u = pre[s,:F], pre[s,F:], h = silu(g) u:
 *   q[s,:]   = dout[t,:] down[e]
 *   dws[s]   = q[s,:] . h[s,:]
 *   dg, du   = gradients of g and u from dh = ws[s] q[s,:]
 *   dxs[s,:] = dg gate[e] + du up[e]
 *   ddown[e] += (ws[s] dout[t,:])^T h[s,:]
 *   dgate[e] += dg^T x[t,:],  dup[e] += du^T x[t,:]
 * dws (N*K), dxs (N*K,D) out; pre (N*K,2F) is overwritten (by dg and du); h
 * (N*K,F) from forward, or recomputed from pre when NULL is given; x (N,D) and
 * dout (N,D).  dw: f32 gradients and their table of offsets (E,3), in which
 * UINT64_MAX marks what is not trained; dw NULL: none is.  An expert without
 * tokens adds nothing.  The first call makes more scratch in s
 * (experts_grad_need()).
 */
int experts_backward(struct moe_ctx *ctx, struct experts_scratch *s,
                     const struct tensor *dws, const struct tensor *dxs,
                     const struct expert_weights *dw, const struct tensor *pre,
                     const struct tensor *h, const struct tensor *dout,
                     const struct tensor *x, const struct tensor *ws,
                     const struct expert_weights *w, const struct dispatch *d,
                     int64_t N, int64_t E, int64_t K, int64_t D, int64_t F);

/* logits (N,V) in: logits, out: scale (softmax - onehot(target)), a zero row
 * where target is negative; nll (N) as xent_forward(). */
int xent_backward(struct moe_ctx *ctx, const struct tensor *logits,
                  const struct tensor *nll, const struct tensor *target,
                  float scale, int64_t N, int64_t V);

/* db[j] += sum_n dy[n,j].  partial (NN_PARTS,D). */
int bias_backward(struct moe_ctx *ctx, const struct tensor *db,
                  const struct tensor *partial, const struct tensor *dy,
                  int64_t N, int64_t D);

#endif
