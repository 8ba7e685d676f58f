/*
 * names.c - the tensor names of each family.
 */
#include "model/names.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define LAYER   "model.layers.{l}."
#define EXPERTS LAYER "mlp.experts."

const char *const names_olmoe[PARAM_KINDS] = {
    [PARAM_EMBED] = "model.embed_tokens.weight",
    [PARAM_ATTN_NORM] = LAYER "input_layernorm.weight",
    [PARAM_Q] = LAYER "self_attn.q_proj.weight",
    [PARAM_K] = LAYER "self_attn.k_proj.weight",
    [PARAM_V] = LAYER "self_attn.v_proj.weight",
    [PARAM_O] = LAYER "self_attn.o_proj.weight",
    [PARAM_Q_BIAS] = LAYER "self_attn.q_proj.bias",
    [PARAM_K_BIAS] = LAYER "self_attn.k_proj.bias",
    [PARAM_V_BIAS] = LAYER "self_attn.v_proj.bias",
    [PARAM_O_BIAS] = LAYER "self_attn.o_proj.bias",
    [PARAM_Q_NORM] = LAYER "self_attn.q_norm.weight",
    [PARAM_K_NORM] = LAYER "self_attn.k_norm.weight",
    [PARAM_MLP_NORM] = LAYER "post_attention_layernorm.weight",
    [PARAM_ROUTER] = LAYER "mlp.gate.weight",
    [PARAM_GATE] = EXPERTS "{e}.gate_proj.weight",
    [PARAM_UP] = EXPERTS "{e}.up_proj.weight",
    [PARAM_DOWN] = EXPERTS "{e}.down_proj.weight",
    [PARAM_FUSED_GATE_UP] = EXPERTS "gate_up_proj",
    [PARAM_FUSED_DOWN] = EXPERTS "down_proj",
    [PARAM_FINAL_NORM] = "model.norm.weight",
    [PARAM_HEAD] = "lm_head.weight",
};

const char *
names_format(char out[NAMES_BYTES], const char *const *names,
             const struct param *p)
{
    size_t n = 0;
    for (const char *s = names[p->kind]; *s; s++) {
        assert(n + 16 < NAMES_BYTES);
        if (strncmp(s, "{l}", 3) != 0 && strncmp(s, "{e}", 3) != 0) {
            out[n++] = *s;
            continue;
        }
        n += (size_t)snprintf(out + n, NAMES_BYTES - n, "%d",
                              s[1] == 'l' ? p->layer : p->expert);
        s += 2;
    }
    out[n] = '\0';
    return out;
}
