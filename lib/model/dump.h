/*
 * dump.h - a forward pass into a file: logits, routing and hidden states as
 * tensors that other programs read.
 */
#ifndef MODEL_DUMP_H
#define MODEL_DUMP_H

#include "model/tokens.h"

struct dump_options {
    const char *path;      // of the file to be written
    bool hidden;           // with hidden states
    struct moe_hook *hook; // borrowed; NULL: routers are left alone
    void (*progress)(void *arg, uint64_t done, uint64_t total); // tokens
    void *arg;
};

/*
 * Run the model over a batch and write, with N = B T,
 *
 *   logits (B,T,V)            f32
 *   router_logits (L,N,E)     f32
 *   router_indices (L,N,K)    i32
 *   router_weights (L,N,K)    f32
 *   hidden (L+1,B,T,D)        f32, when asked for
 *
 * *nll becomes the mean negative log-likelihood over B (T-1) tokens, NaN when
 * T is 1.  Memory does not grow with B.  The error is the context's.
 */
int dump_forward(struct moe_model *model, double *nll,
                 const struct token_batch *batch,
                 const struct dump_options *opt);

#endif
