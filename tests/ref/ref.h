/*
 * ref.h - the operators again, in double and in index order.
 *
 * Plain C without a device: loops as in the formula, never made fast.  Inputs
 * are the f32 numbers that the device gets; the order of arguments is that of
 * the operator of the same name in lib/nn/nn.h.
 */
#ifndef TESTS_REF_REF_H
#define TESTS_REF_REF_H

#include <stdbool.h>
#include <stdint.h>

/* weight times the balancing loss plus z times the z-loss (lib/train/
 * auxloss.h) of logits (L,N,E), with the choices count (L,E) held fixed. */
double ref_auxloss(const double *logits, const int32_t *count, bool hf,
                   double weight, double z, bool z_div_topk, int64_t L,
                   int64_t N, int64_t E, int64_t K);

/* One AdamW update of w, m, v (n), with g (n) times scale. */
void ref_adamw(double *w, double *m, double *v, const float *g, double scale,
               double lr, double beta1, double beta2, double eps, double decay,
               uint64_t step, int64_t n);

/* count, sum, gate (E) over the rows [first, end) of probs (N,E), idx and
 * weight (N,K). */
void ref_collect(int64_t *count, double *sum, double *gate, const float *probs,
                 const int32_t *idx, const float *weight, int64_t first,
                 int64_t end, int64_t E, int64_t K);
/* Pairs of tokens of idx (N,K) in [first, end) that share c = 0 .. K experts,
 * of all pairs and of neighbours; tokens of a and b that share c. */
void ref_sets_pairs(int64_t *all, int64_t *adjacent, const int32_t *idx,
                    int64_t first, int64_t end, int64_t K);
void ref_sets_common(int64_t *common, const int32_t *a, const int32_t *b,
                     int64_t first, int64_t end, int64_t K);

/* together, adjacent (E,E) of the tokens of idx (N,K), all of them experts;
 * count (V,E) of first choices by the token's id. */
void ref_cooccur_experts(int64_t *together, int64_t *adjacent,
                         const int32_t *idx, int64_t N, int64_t E, int64_t K);
void ref_cooccur_tokens(int64_t *count, const int32_t *ids, const int32_t *idx,
                        int64_t N, int64_t V, int64_t E, int64_t K);
void ref_finite_forward(int32_t *bad, const float *x, int64_t N, int64_t E,
                        int64_t rows);

void ref_attention_forward(double *out, double *lse, const float *q,
                           const float *k, const float *v, int64_t B, int64_t T,
                           int64_t H, int64_t G, int64_t S);
/* Rows of many sequences: row n sees rows key_row[n] - position[n] ..
 * key_row[n] of k and v. */
void ref_attention_packed(double *out, double *lse, const float *q,
                          const float *k, const float *v,
                          const int32_t *key_row, const int32_t *position,
                          int64_t N, int64_t H, int64_t G, int64_t S);
/* out and lse as ref_attention_forward() gives them. */
void ref_attention_backward(double *dq, double *dk, double *dv,
                            const float *dout, const double *out,
                            const float *q, const float *k, const float *v,
                            const double *lse, int64_t B, int64_t T, int64_t H,
                            int64_t G, int64_t S);
void ref_bias_backward(double *db, const float *dy, int64_t N, int64_t D);
void ref_combine_forward(double *x, const float *y, const float *weight,
                         const int32_t *slot_of, int64_t N, int64_t K,
                         int64_t D);
void ref_combine_weights(double *ws, const float *weight,
                         const int32_t *slot_of, int64_t N, int64_t K);
void ref_combine_backward(double *dweight, double *dx, const float *dws,
                          const float *dxs, const int32_t *slot_of, int64_t N,
                          int64_t K, int64_t D);
void ref_dispatch_forward(int32_t *count, int32_t *start, int32_t *slot_token,
                          int32_t *slot_of, const int32_t *idx, int64_t N,
                          int64_t E, int64_t K);
void ref_add_forward(double *x, const float *y, int64_t n);
void ref_clip_forward(double *x, double limit, int64_t N, int64_t D);
void ref_clip_backward(double *dx, const float *y, double limit, int64_t N,
                       int64_t D);
void ref_embed_forward(double *x, const int32_t *ids, const float *table,
                       int64_t N, int64_t D);
void ref_edit_forward(double *y, const float *logits, const int32_t *rule,
                      const float *value, int64_t N, int64_t E, bool normalise);
void ref_edit_backward(double *dlogits, const float *dy, const int32_t *rule,
                       const float *value, int64_t N, int64_t E);
void ref_embed_backward(double *dtable, const float *dx, const int32_t *ids,
                        int64_t N, int64_t D);
void ref_rmsnorm_forward(double *y, double *r, const float *x, const float *w,
                         int64_t N, int64_t D, double eps);
/* r as ref_rmsnorm_forward() gives it. */
void ref_rmsnorm_backward(double *dx, double *dw, const float *dy,
                          const float *x, const double *r, const float *w,
                          int64_t N, int64_t D, bool accumulate);
void ref_rope_table(double *table, int64_t T, int64_t S, double theta);
void ref_rope_forward(double *x, const float *table, int64_t B, int64_t T,
                      int64_t H, int64_t S);
void ref_rope_backward(double *dx, const float *table, int64_t B, int64_t T,
                       int64_t H, int64_t S);
void ref_scatter_forward(float *y, const float *x, const int32_t *at, int64_t N,
                         int64_t D);
void ref_router_forward(double *probs, int32_t *idx, double *weight,
                        const float *logits, int64_t N, int64_t E, int64_t K,
                        bool renorm);
/* probs and idx as ref_router_forward() gives them; balance may be NULL. */
void ref_router_backward(double *dlogits, const float *dweight,
                         const float *balance, const float *logits,
                         const double *probs, const int32_t *idx, double z,
                         int64_t N, int64_t E, int64_t K, bool renorm);
/* What ref_router_backward() is the gradient of: dweight . weight +
 * balance . sum_n probs + z sum_n lse^2, after a forward pass into probs, idx
 * and weight. */
double ref_router_loss(const float *dweight, const float *balance,
                       const float *logits, double *probs, int32_t *idx,
                       double *weight, double z, int64_t N, int64_t E,
                       int64_t K, bool renorm);
void ref_xent_forward(double *nll, const float *logits, const int32_t *target,
                      int64_t N, int64_t V);
void ref_xent_backward(double *dlogits, double *nll, const float *logits,
                       const int32_t *target, double scale, int64_t N,
                       int64_t V);

/* norm of g (n), and the factor that clips it to limit (0: never). */
void ref_gradnorm(double *norm, double *scale, const float *g, double limit,
                  int64_t n);

/* c (M,N), rows ldc apart: a b^T (op 0), a b (1) or a^T b (2), plus bias (N)
 * unless NULL, plus itself when accumulate. */
void ref_gemm(double *c, const float *a, const float *b, const float *bias,
              int op, int64_t M, int64_t N, int64_t K, int64_t ldc, int64_t lda,
              int64_t ldb, int accumulate);

/* The expert MLPs over sorted slots: y (S,D), h (S,F), pre (S,2F) unless NULL,
 * x (N,D); weights are whole matrices one after another, gate, up, down of
 * expert 0 first.  start (E+1), slot_token (S). */
void ref_experts_forward(double *y, double *h, double *pre, const float *x,
                         const float *w, const int32_t *start,
                         const int32_t *slot_token, int64_t E, int64_t D,
                         int64_t F);

/* The gradients of sum_s ws[s] dout[t] . y[s], as experts_backward(): dpre
 * (S,2F) of the products pre (S,2F), in double as forward leaves them; dw, in
 * the order of w, is added to. */
void ref_experts_backward(double *dws, double *dxs, double *dw, double *dpre,
                          const double *pre, const float *dout, const float *x,
                          const float *ws, const float *w, const int32_t *start,
                          const int32_t *slot_token, int64_t E, int64_t D,
                          int64_t F);

#endif
