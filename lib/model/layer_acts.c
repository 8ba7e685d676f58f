/*
 * layer_acts.c - the tensors that a layer makes, and which of them inference
 * need not keep apart.
 */
#include "model/run.h"

#include <stddef.h>

void
layer_acts_shapes(struct acts_shape list[ACTS_TENSORS],
                  const struct moe_config *c, int64_t B, int64_t T)
{
    int64_t N = B * T, D = c->D, H = c->H, Q = c->H * c->S, J = c->G * c->S;
    int64_t E = c->E, K = c->K, F = c->F;
    size_t n = 0;
#define XX(name, type, have, ...)                                              \
    list[n++] = (struct acts_shape){                                           \
        #name, offsetof(struct layer_acts, name), ACTS_##have,                 \
        tensor_shape(                                                          \
            DTYPE_##type,                                                      \
            (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),         \
            (int64_t[]){__VA_ARGS__})};
    ACTS_MAP(XX)
#undef XX
}

void
layer_acts_share(struct layer_acts *a)
{
    a->q_raw = a->q;
    a->k_raw = a->k;
    a->norm2 = a->norm1;
    a->rms_q = a->rms_k = a->rms2 = a->rms1;
}
