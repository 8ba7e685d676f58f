/*
 * native.h - unsharded checkpoints of the OLMo trainer: config.yaml and
 * model.safetensors.
 *
 * Names and layout differ from Hugging Face's: queries, keys and values are
 * one matrix, the matrices of all experts of a layer are stacked, and the
 * third of them is stored transposed:
 *
 *   att_proj (Q + 2 J, D)           q, k, v rows
 *   ffn.experts.mlp.w1, v1 (E F, D) gate, up
 *   ffn.experts.mlp.w2 (E F, D)     down, transposed
 *
 * A file of the trainer has its names in an encoding, base64 of a pickle of
 * the name; only the one form that it writes is recognised, and nothing is
 * executed.  Plain names are read too.
 * Source: allenai/OLMo, branch Muennighoff/MoE.
 */
#ifndef MODEL_NATIVE_H
#define MODEL_NATIVE_H

#include "model/export.h"

struct native;

/* Whether a directory holds such a checkpoint: config.yaml, no config.json. */
bool native_is(const char *dir);

/*
 * Map one.  The configuration is translated to Hugging Face's keys; `eos`
 * replaces its eos_token_id unless it is -1.
 *
 * MOE_EINPUT, MOE_EFORMAT for a key, a tensor that is missing, left over, or
 * of another shape or type.
 */
int native_open(struct moe_err *err, struct native **out, const char *dir,
                int64_t eos);
void native_close(struct native **np);

const struct moe_config *native_config(const struct native *n);
enum dtype native_dtype(const struct native *n); // of the embedding

/* An export_read_fn whose arg is the native checkpoint. */
int native_read(struct moe_err *err, void *arg, const struct param *p,
                uint64_t at, float *out, size_t n);

/* Write one: config.yaml and model.safetensors with encoded names; shard_bytes
 * is not looked at.  MOE_EINVAL for a model with biases, which the trainer's
 * form of an MoE has no place for; MOE_EIO; what `read` returned. */
int native_write(struct moe_err *err, const char *dir,
                 const struct moe_config *config,
                 const struct export_options *opt);

/* ---- What native*.c share ------------------------------------------------ */

enum native_kind {
    NATIVE_WTE,
    NATIVE_ATTN_NORM,
    NATIVE_ATT_PROJ,
    NATIVE_ATTN_OUT,
    NATIVE_Q_NORM,
    NATIVE_K_NORM,
    NATIVE_FF_NORM,
    NATIVE_ROUTER,
    NATIVE_W1,
    NATIVE_V1,
    NATIVE_W2,
    NATIVE_LN_F,
    NATIVE_FF_OUT,
    NATIVE_KINDS
};

enum { NATIVE_NAME_BYTES = 256 };

/* Where a parameter stands in a tensor of the trainer's. */
struct native_place {
    enum native_kind kind;
    uint64_t at;     // its first element
    bool transposed; // as (columns, rows)
};

struct native_place native_place(const struct param *p,
                                 const struct moe_config *config);

/* Shape and name of a tensor, the latter plain or encoded; the kinds of
 * NATIVE_WTE and from NATIVE_LN_F on have no layer. */
struct tensor native_shape(enum native_kind kind,
                           const struct moe_config *config);
void native_name(char out[NATIVE_NAME_BYTES], enum native_kind kind, int layer,
                 bool encoded);
bool native_of_layer(enum native_kind kind);

/* config.yaml from and to a configuration. */
int native_config_read(struct moe_err *err, struct moe_config *out,
                       const char *path, int64_t eos);
int native_config_write(struct moe_err *err, const char *path,
                        const struct moe_config *config);

#endif
