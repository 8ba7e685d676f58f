/*
 * experts.h - what the experts' forward and backward passes share.
 */
#ifndef NN_EXPERTS_H
#define NN_EXPERTS_H

#include "device/gemm.h"
#include "nn/nn.h"

/* Of backward; made by its first call, so that inference does not pay. */
struct experts_grad {
    struct tensor tiles; // (capacity, 3) i32, of blocks of `rows`
    struct tensor part;  // (N*K, blocks of F) f32
    struct tensor h;     // (N*K, F) f32, where the caller has kept none
    bool cpu;            // with the kernels for CPUs
    int rows, columns;   // of a tile of slots; of a block
    int hidden;          // columns of a block of the hidden gradient
};

struct experts_scratch {
    struct tensor tiles; // (capacity, 3) i32: expert, first slot, rows
    struct cpu_tile cpu; // program NULL: the plain kernels
    int rows, columns;   // of a tile and of a block of columns
    bool steady;         // experts_steady()
    struct experts_grad grad;
};

/* The most tiles of `rows` rows that so many slots can need. */
int64_t experts_capacity(int64_t slots, int64_t E, int rows);

/* tiles (T,3) out: the slots of each expert cut into tiles of `rows` rows,
 * then empty tiles. */
int experts_tiles(struct moe_ctx *ctx, const struct tensor *tiles,
                  const struct dispatch *d, int64_t E, int64_t T, int rows);

void experts_grad_destroy(struct experts_grad *g);

#endif
