/*
 * model/model.h - what the library's own files see of a model and a run.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <polymoe/model.h>

#include "device/need.h"
#include "nn/nn.h"

/* A configuration from the text of a config.json, which becomes the
 * configuration's or is freed; `name` stands in errors. */
int config_parse(struct moe_err *err, struct moe_config *out, char *text,
                 size_t n, const char *name);

/* One block.  Absent tensors have buf NULL. */
struct layer_weights {
    struct tensor attn_norm, mlp_norm; // (D) f32
    struct tensor q, k, v, o;          // (H S,D) (G S,D) (G S,D) (D,H S)
    struct tensor q_norm, k_norm;      // (H S) (G S) f32
    struct tensor q_bias, k_bias, v_bias, o_bias; // f32, or absent
    struct tensor router;                         // (E,D) f32
    struct expert_weights experts;
};

struct moe_model {
    struct moe_ctx *ctx;         // borrowed
    struct moe_config config;    // owned
    struct tensor embed;         // (V,D), type of the file
    struct tensor final_norm;    // (D) f32
    struct tensor head;          // (V,D); the embedding itself when tied
    struct layer_weights *layer; // L of them
    struct buffer **buffers;     // every buffer of the weights, owned
    size_t buffer_count;
    struct checkpoint *files; // the mapped files, owned
};

/* Give back the buffers that no tensor of the model lies in any longer, and
 * the memory of the mapped files.  Waits. */
int model_trim(struct moe_model *m);

/*
 * Called on the device's order of work after each layer's router: logits
 * (N,E), probs (N,E), idx (N,K), weight (N,K) are valid until it returns; it
 * may enqueue kernels that read them.  A code other than MOE_OK ends the pass.
 */
typedef int run_router_fn(void *arg, int64_t layer, const struct tensor *logits,
                          const struct tensor *probs, const struct tensor *idx,
                          const struct tensor *weight, int64_t N);

/* One observer a run; NULL takes it away. */
void run_observe_router(struct moe_run *run, run_router_fn *fn, void *arg);

/* The buffers of a run of this shape, before it is made, added to *need. */
int run_plan(struct moe_err *err, struct need *need,
             const struct moe_config *config,
             const struct moe_run_options *opt);

#endif
