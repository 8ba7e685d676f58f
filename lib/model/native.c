/*
 * native.c - the trainer's tensors: names, shapes, and where our parameters
 * stand in them.
 */
#include "config.h"

#include "model/native.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const char *const names[NATIVE_KINDS] = {
    [NATIVE_WTE] = "transformer.wte.weight",
    [NATIVE_ATTN_NORM] = "attn_norm.weight",
    [NATIVE_ATT_PROJ] = "att_proj.weight",
    [NATIVE_ATTN_OUT] = "attn_out.weight",
    [NATIVE_Q_NORM] = "q_norm.weight",
    [NATIVE_K_NORM] = "k_norm.weight",
    [NATIVE_FF_NORM] = "ff_norm.weight",
    [NATIVE_ROUTER] = "ffn.router.layer.weight",
    [NATIVE_W1] = "ffn.experts.mlp.w1",
    [NATIVE_V1] = "ffn.experts.mlp.v1",
    [NATIVE_W2] = "ffn.experts.mlp.w2",
    [NATIVE_LN_F] = "transformer.ln_f.weight",
    [NATIVE_FF_OUT] = "transformer.ff_out.weight",
};

bool
native_of_layer(enum native_kind kind)
{
    return kind != NATIVE_WTE && kind < NATIVE_LN_F;
}

struct native_place
native_place(const struct param *p, const struct moe_config *c)
{
    static const enum native_kind kinds[PARAM_KINDS] = {
        [PARAM_EMBED] = NATIVE_WTE,        [PARAM_ATTN_NORM] = NATIVE_ATTN_NORM,
        [PARAM_Q] = NATIVE_ATT_PROJ,       [PARAM_K] = NATIVE_ATT_PROJ,
        [PARAM_V] = NATIVE_ATT_PROJ,       [PARAM_O] = NATIVE_ATTN_OUT,
        [PARAM_Q_NORM] = NATIVE_Q_NORM,    [PARAM_K_NORM] = NATIVE_K_NORM,
        [PARAM_MLP_NORM] = NATIVE_FF_NORM, [PARAM_ROUTER] = NATIVE_ROUTER,
        [PARAM_GATE] = NATIVE_W1,          [PARAM_UP] = NATIVE_V1,
        [PARAM_DOWN] = NATIVE_W2,          [PARAM_FINAL_NORM] = NATIVE_LN_F,
        [PARAM_HEAD] = NATIVE_FF_OUT};
    const int64_t Q = c->H * c->S, J = c->G * c->S;
    int64_t row = 0;
    if (p->kind == PARAM_K)
        row = Q;
    else if (p->kind == PARAM_V)
        row = Q + J;
    else if (param_scope(p->kind) == SCOPE_EXPERT)
        row = p->expert * c->F;
    return (struct native_place){kinds[p->kind], (uint64_t)(row * c->D),
                                 p->kind == PARAM_DOWN};
}

struct tensor
native_shape(enum native_kind kind, const struct moe_config *c)
{
    const int64_t Q = c->H * c->S, J = c->G * c->S;
    int64_t rows = 0, columns = c->D; // rows 0: a vector
    switch (kind) {
    case NATIVE_WTE:
    case NATIVE_FF_OUT:
        rows = c->V;
        break;
    case NATIVE_ATT_PROJ:
        rows = Q + 2 * J;
        break;
    case NATIVE_ATTN_OUT:
        rows = c->D;
        columns = Q;
        break;
    case NATIVE_Q_NORM:
        columns = Q;
        break;
    case NATIVE_K_NORM:
        columns = J;
        break;
    case NATIVE_ROUTER:
        rows = c->E;
        break;
    case NATIVE_W1:
    case NATIVE_V1:
    case NATIVE_W2:
        rows = c->E * c->F;
        break;
    default:
        break;
    }
    return rows ? tensor_shape(DTYPE_F32, 2, (int64_t[]){rows, columns})
                : tensor_shape(DTYPE_F32, 1, (int64_t[]){columns});
}

/*
 * The trainer's key of a tensor: base64, with - and _, of the fourth pickle
 * protocol's bytes for ((name,), False): a frame of known length, a short
 * string, a tuple of it, false, a tuple of both.
 */
static void
encode(char out[NATIVE_NAME_BYTES], const char *name)
{
    static const unsigned char before[] = {0x80, 4, 0x95},
                               after[] = {0x94, 0x85, 0x94, 0x89,
                                          0x86, 0x94, '.'};
    unsigned char b[NATIVE_NAME_BYTES / 2];
    const size_t n = strlen(name), frame = 2 + n + sizeof after;
    size_t at = sizeof before;
    memcpy(b, before, sizeof before);
    for (int i = 0; i < 8; i++)
        b[at++] = i == 0 ? (unsigned char)frame : 0;
    b[at++] = 0x8c;
    b[at++] = (unsigned char)n;
    memcpy(b + at, name, n);
    memcpy(b + at + n, after, sizeof after);
    sodium_bin2base64(out, NATIVE_NAME_BYTES, b, at + n + sizeof after,
                      sodium_base64_VARIANT_URLSAFE);
}

void
native_name(char out[NATIVE_NAME_BYTES], enum native_kind kind, int layer,
            bool encoded)
{
    char name[NATIVE_NAME_BYTES / 4];
    if (native_of_layer(kind))
        snprintf(name, sizeof name, "transformer.blocks.%d.%s", layer,
                 names[kind]);
    else
        snprintf(name, sizeof name, "%s", names[kind]);
    if (encoded)
        encode(out, name);
    else
        snprintf(out, NATIVE_NAME_BYTES, "%s", name);
}
