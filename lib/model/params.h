/*
 * params.h - the parameters of a model: which there are, their shapes, and
 * what each belongs to.
 */
#ifndef MODEL_PARAMS_H
#define MODEL_PARAMS_H

#include <polymoe/model.h>

#include "tensor/tensor.h"

enum param_group {
    GROUP_EMBEDDING,
    GROUP_HEAD,
    GROUP_ATTENTION,
    GROUP_NORM,
    GROUP_ROUTER,
    GROUP_EXPERT,
    GROUPS
};

/* One a model, one a layer, or one an expert of a layer. */
enum param_scope { SCOPE_MODEL, SCOPE_LAYER, SCOPE_EXPERT };

/* Always there; unless the head is the embedding; with attention_bias; or only
 * another spelling of the experts, never counted. */
enum param_when { WHEN_ALWAYS, WHEN_UNTIED, WHEN_BIASED, WHEN_FUSED };

/* clang-format off */
/* Kind, group, scope, shape, when.  Letters of a shape: those of moe_config,
 * and Q = H S, J = G S (widths of queries and keys), W = 2 F. */
#define PARAM_MAP(XX)                                  \
    XX(EMBED,         EMBEDDING, MODEL,  "VD",  ALWAYS) \
    XX(ATTN_NORM,     NORM,      LAYER,  "D",   ALWAYS) \
    XX(Q,             ATTENTION, LAYER,  "QD",  ALWAYS) \
    XX(K,             ATTENTION, LAYER,  "JD",  ALWAYS) \
    XX(V,             ATTENTION, LAYER,  "JD",  ALWAYS) \
    XX(O,             ATTENTION, LAYER,  "DQ",  ALWAYS) \
    XX(Q_BIAS,        ATTENTION, LAYER,  "Q",   BIASED) \
    XX(K_BIAS,        ATTENTION, LAYER,  "J",   BIASED) \
    XX(V_BIAS,        ATTENTION, LAYER,  "J",   BIASED) \
    XX(O_BIAS,        ATTENTION, LAYER,  "D",   BIASED) \
    XX(Q_NORM,        NORM,      LAYER,  "Q",   ALWAYS) \
    XX(K_NORM,        NORM,      LAYER,  "J",   ALWAYS) \
    XX(MLP_NORM,      NORM,      LAYER,  "D",   ALWAYS) \
    XX(ROUTER,        ROUTER,    LAYER,  "ED",  ALWAYS) \
    XX(GATE,          EXPERT,    EXPERT, "FD",  ALWAYS) \
    XX(UP,            EXPERT,    EXPERT, "FD",  ALWAYS) \
    XX(DOWN,          EXPERT,    EXPERT, "DF",  ALWAYS) \
    XX(FUSED_GATE_UP, EXPERT,    LAYER,  "EWD", FUSED)  \
    XX(FUSED_DOWN,    EXPERT,    LAYER,  "EDF", FUSED)  \
    XX(FINAL_NORM,    NORM,      MODEL,  "D",   ALWAYS) \
    XX(HEAD,          HEAD,      MODEL,  "VD",  UNTIED)
/* clang-format on */

enum param_kind {
#define XX(kind, group, scope, shape, when) PARAM_##kind,
    PARAM_MAP(XX)
#undef XX
        PARAM_KINDS
};

/* One parameter of a model. */
struct param {
    enum param_kind kind;
    int layer, expert; // 0 where the scope has none
};

enum param_group param_group(enum param_kind kind);
enum param_scope param_scope(enum param_kind kind);

/* Whether a model of this configuration has parameters of the kind. */
bool param_present(enum param_kind kind, const struct moe_config *config);

/* Norms, biases and routers: kept as f32, whatever the type of the file. */
bool param_is_small(enum param_kind kind, const struct moe_config *config);

/* The shape as a view without a buffer, f32. */
struct tensor param_shape(enum param_kind kind,
                          const struct moe_config *config);

/* Elements of one parameter, and how many of the kind there are.  moe_config
 * of a checked configuration: neither overflows. */
uint64_t param_elements(enum param_kind kind, const struct moe_config *config);
uint64_t param_repeats(enum param_kind kind, const struct moe_config *config);

/* Elements of all small parameters together. */
uint64_t params_small(const struct moe_config *config);

/*
 * Every parameter: the embedding, layer by layer, final norm, head; expert by
 * expert inside a layer.  The caller frees *out.
 */
int params_list(struct moe_err *err, struct param **out, size_t *n,
                const struct moe_config *config);

#endif
