/*
 * model.h - a checkpoint in Hugging Face layout: configuration, weights, one
 * forward pass.
 *
 *     struct moe_model *m;
 *     struct moe_run *run;
 *     moe_model_load(ctx, &m, "OLMoE-1B-7B-0924");
 *     moe_run_create(&run, m, &(struct moe_run_options){.B = 4, .T = 512});
 *     moe_run_forward(run, ids, 4, 512);
 *     moe_run_logits(run, 0, 4 * 512, logits);
 */
#ifndef POLYMOE_MODEL_H
#define POLYMOE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <polymoe/ctx.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What config.json says, with the family's defaults filled in. */
struct moe_config {
    char model_type[32];      // "olmoe"
    char dtype[16];           // "bfloat16"; "" when the file does not say
    int64_t V, D, L, H, G, S; // vocabulary, width, layers, heads, key heads,
                              // head size
    int64_t E, K, F;          // experts, experts a token, expert hidden width
    int64_t max_positions;
    double rope_theta;
    double rms_eps;
    double clip_qkv; // 0: none
    bool attention_bias;
    bool norm_topk_prob;
    bool tie_embeddings;
    double init_std;       // initializer_range
    double aux_coef;       // router_aux_loss_coef
    int64_t bos, eos, pad; // token ids, -1: none
    char *source;          // the file's text, kept for export; owned
};

/* Read DIR/config.json, or a config file itself.  Every value is checked;
 * MOE_EFORMAT names the key, what was found and what is allowed. */
MOE_API int moe_config_read(struct moe_err *err, struct moe_config *out,
                            const char *path);
MOE_API void moe_config_free(struct moe_config *config);

/* Parameters of all kinds, from the configuration alone. */
struct moe_param_totals {
    uint64_t total;  // a tied head counts once
    uint64_t active; // what one token's forward pass reads
    uint64_t embedding, head, attention, norms, routers, experts;
    uint64_t per_expert; // 3 D F
};
MOE_API int moe_param_count(struct moe_err *err, struct moe_param_totals *out,
                            const struct moe_config *config);

struct moe_model;

/*
 * Map a checkpoint and make its weights usable on the context's device.
 *
 * Single or sharded safetensors, per-expert or fused expert names, f32, bf16
 * or f16.  Every tensor of the file must be known and every tensor of the
 * model found: otherwise MOE_EFORMAT with the names.  MOE_EFIT when it cannot
 * fit.  Large weights are used in place where the device shares memory.
 */
MOE_API int moe_model_load(struct moe_ctx *ctx, struct moe_model **out,
                           const char *dir);
MOE_API void moe_model_destroy(struct moe_model **mp);
MOE_API const struct moe_config *moe_model_config(const struct moe_model *m);

struct moe_run; // activations for one shape

struct moe_run_options {
    int64_t B, T;      // largest batch and sequence
    bool steady;       // no number of a token depends on how many tokens a
                       // pass has; slower where they are few
    int64_t cache;     // rows of a cache of keys and values, 0: none
    bool keep_hidden;  // keep the residual stream after every block
    bool keep_routing; // keep router logits, indices and weights per layer
    bool routers_only; // stop after the last layer's router: no experts of
                       // the last layer, no final norm, no head
};

MOE_API int moe_run_create(struct moe_run **out, struct moe_model *model,
                           const struct moe_run_options *opt);
MOE_API void moe_run_destroy(struct moe_run **rp);

/*
 * One pass over ids (B,T), B and T at most those of the run.
 *
 * MOE_EFORMAT for an id outside [0, V), with its place; MOE_ENUMERIC for a
 * router logit that is not finite, with layer and token.
 */
MOE_API int moe_run_forward(struct moe_run *run, const int32_t *ids, int64_t B,
                            int64_t T);

/*
 * n new tokens of a sequence that has row + p of the cache for position p, and
 * its first `past` positions there already.
 */
struct moe_segment {
    int64_t row, past, n;
};

/*
 * One pass over new tokens of several sequences, one after another in ids:
 * token row i of segment k is row n[0] + ... + n[k-1] + i.
 *
 * A token sees the positions of its own sequence up to its own, in the cache;
 * the pass puts the new ones there.  Nothing is padded; with
 * `steady` the numbers of a token depend on no other sequence, to the bit.  At
 * most B * T tokens; a run with a cache.
 *
 * Errors as moe_run_forward(); MOE_EINVAL for a segment outside the cache or
 * the model's positions.
 */
MOE_API int moe_run_extend(struct moe_run *run, const int32_t *ids,
                           const struct moe_segment *segment, size_t segments);

/* Copy n rows of the cache: what a sequence has in common with another one. */
MOE_API int moe_run_cache_copy(struct moe_run *run, int64_t to, int64_t from,
                               int64_t n);

/* Logits of token rows [row, row + rows), to host memory (rows,V).  Computed
 * here, in chunks: the full (N,V) need not fit on the device. */
MOE_API int moe_run_logits(struct moe_run *run, int64_t row, int64_t rows,
                           float *logits);

/* Logits of n token rows in any order, to host memory (n,V). */
MOE_API int moe_run_logits_at(struct moe_run *run, const int32_t *row,
                              int64_t n, float *logits);

/* nll[i] = -log p(target[i]) by the logits of token row row[i]; a row may stand
 * in the list more than once, one after another, and is computed once then. */
MOE_API int moe_run_nll_at(struct moe_run *run, const int32_t *row,
                           const int32_t *target, int64_t n, float *nll);

/* nll (B,T-1): -log p(ids[b,t+1] | ids[b,:t+1]), in chunks of the head. */
MOE_API int moe_run_nll(struct moe_run *run, float *nll);

/* After keep_hidden: hidden (N,D) after `level` blocks, 0 .. L; level 0 is
 * the embedding, L is before the final norm. */
MOE_API int moe_run_hidden(struct moe_run *run, int64_t level, float *hidden);

/* After keep_routing: of one layer, logits (N,E), idx (N,K), weight (N,K).
 * Any pointer may be NULL. */
MOE_API int moe_run_routing(struct moe_run *run, int64_t layer, float *logits,
                            int32_t *idx, float *weight);

#ifdef __cplusplus
}
#endif
#endif
