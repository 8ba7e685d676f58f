/*
 * arena.h - the memory of training: the weights that may move, and for each
 * trained one its gradient and moments.
 *
 * Parameters are laid out one behind the other in a few segments, each a
 * buffer for the weights and equal ones for gradients and moments, so that
 * zeroing, norm, update and checkpoint are one call a segment.  A segment
 * holds parameters of one class: matrices or small tensors (norms, biases,
 * routers, always f32), decayed or not.  The experts of a layer are never
 * apart.  Only what is trained has a gradient and moments; an expert that is
 * not trained, in a layer where another is, keeps its weight here only.
 */
#ifndef TRAIN_ARENA_H
#define TRAIN_ARENA_H

#include "model/model.h"
#include "model/params.h"

struct arena_options {
    bool (*trains)(const void *arg, const struct param *p); // NULL: all
    bool (*decays)(const void *arg, const struct param *p,
                   int64_t row); // NULL: every row, where its kind does
    const void *arg;             // of both
    bool decay_norms;            // weight decay on norms and biases too
    bool decay_embeddings;       // and on the embedding and the head
    enum dtype weights;          // of matrices: F32, or BF16
    bool master;                 // with BF16: fp32 master copies
};

/* One launch of the optimiser: n trained parameters that follow each other in
 * every buffer. */
struct arena_range {
    struct tensor w, master, g, m, v; // (n); master absent unless asked for
    bool decay;
    uint64_t first; // place among all trained parameters
    uint64_t n;
};

/* A parameter that the arena holds. */
struct arena_param {
    struct param p;
    struct tensor w;               // its shape, in the arena
    struct tensor master, g, m, v; // likewise; absent when it is not trained
};

/* Gradients in the shape of the weights: absent where nothing is trained; an
 * expert's offset is ARENA_FROZEN where it is not. */
struct model_grads {
    struct tensor embed, final_norm, head; // head is embed when tied
    struct layer_weights *layer;           // (L)
};
#define ARENA_FROZEN UINT64_MAX

struct arena {
    struct moe_ctx *ctx;       // borrowed
    struct moe_model *model;   // borrowed
    struct arena_param *param; // in the order of params_list()
    size_t params;
    struct arena_range *range;
    size_t ranges;
    uint64_t trained; // elements
    struct model_grads grads;
    struct buffer **buffers; // all of them, owned
    size_t buffer_count;
    int64_t lowest; // lowest layer with a trained parameter; -1: the
                    // embedding; L: none in any layer
};

/*
 * Copy what is trained out of the model's files into an arena, and make the
 * model read it from there, without what it had.  Moments start at zero.
 *
 * The arena lives as long as the model is used.  MOE_EFIT when it exceeds the
 * device's memory, or a layer's experts its largest allocation; MOE_ENOMEM,
 * MOE_ECL.
 */
int arena_create(struct arena **out, struct moe_model *model,
                 const struct arena_options *opt);
void arena_destroy(struct arena **ap);

int arena_zero_grads(struct arena *a);

/* Elements [at, at + n) of a parameter as f32, of its master copy where there
 * is one; arg is the arena (an export_read_fn).  MOE_EINVAL when the arena
 * does not hold it. */
int arena_read_param(struct moe_err *err, void *arg, const struct param *q,
                     uint64_t at, float *out, size_t n);

/* What a model in training takes, from the configuration alone.  Bytes. */
struct arena_bytes {
    struct need held;   // weights, gradients and moments in the arena
    struct need tables; // offsets of the experts
    uint64_t frozen;    // weights that stay where they are
    uint64_t trained;   // elements, not bytes
    int64_t lowest;     // as arena.lowest
};
/* max_alloc: bytes that a device gives in one piece, which decides how many
 * segments there are. */
int arena_plan(struct moe_err *err, struct arena_bytes *out,
               const struct moe_config *config, const struct arena_options *opt,
               uint64_t max_alloc);

#endif
