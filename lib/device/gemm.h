/*
 * gemm.h - dense products behind one interface.
 *
 *   GEMM_NT   C (M,N) = A (M,K) B (N,K)^T       Y = X W^T
 *   GEMM_NN   C (M,N) = A (M,K) B (K,N)         dX = dY W
 *   GEMM_TN   C (M,N) = A (K,M)^T B (K,N)       dW = dY^T X
 *
 * Row-major; C and A are f32, B is f32, bf16 or f16 and is read in place.
 * With `accumulate`, C += the product.  With a bias (N) f32, each row of C
 * gets it added.  Sums run over k in a fixed order: same device, same result.
 *
 * Three providers: a plain kernel that runs anywhere, CLBlast (weights that are
 * not f32 are widened first, piece by piece), and a packed CPU kernel of ours.
 * gemm_run() takes the one that suits the device's class and the operand types;
 * POLYMOE_GEMM=plain|clblast|cpu forces one.
 */
#ifndef DEVICE_GEMM_H
#define DEVICE_GEMM_H

#include "device/device.h"

enum gemm_op { GEMM_NT, GEMM_NN, GEMM_TN };

struct gemm {
    enum gemm_op op;
    int64_t m, n, k;
    struct tensor c, a, b; // rank and dims are not read; offsets are
    int64_t ldc, lda, ldb; // row strides in elements; 0: tight
    struct tensor bias;    // (N) f32, or absent (buf NULL)
    bool accumulate;
    bool steady; // the numbers of a row of C do not depend on M
};

/* MOE_OK; MOE_EINVAL for a type or size no provider takes; MOE_EBLAS;
 * MOE_ECL.  m, n or k of 0 is allowed and leaves C + 0 (or zero). */
int gemm_run(struct moe_ctx *ctx, const struct gemm *g);

/*
 * As gemm_run(), for a K of many thousands, such as a sum over a vocabulary or
 * over the tokens of a batch: one accumulator loses digits with its length, so
 * the sum is made of sums of GEMM_TERMS, in order.
 */
enum { GEMM_TERMS = 1024 };
int gemm_run_long(struct moe_ctx *ctx, const struct gemm *g);

/* Rows of A up to which CPU kernels read weights in place. */
enum { GEMM_FEW = 8 };

enum gemm_provider { GEMM_PLAIN, GEMM_CLBLAST, GEMM_CPU, GEMM_PROVIDERS };
const char *gemm_provider_name(enum gemm_provider p);
/* Whether the provider can do this product on this device. */
bool gemm_provider_takes(struct moe_ctx *ctx, enum gemm_provider p,
                         const struct gemm *g);
int gemm_run_with(struct moe_ctx *ctx, enum gemm_provider p,
                  const struct gemm *g);

/*
 * The program of our CPU kernels, for others that use its tile
 * (cl/gemm_tile.cl) and how it is built here: vectors as wide as the
 * processor's, as many sums as its registers hold.
 */
struct cpu_tile {
    const char *program; // for launch_begin_in()
    char options[96];
    int columns; // NB, of a block
    int rows;    // RB, of a block of sums
    int depth;   // KB, of a packed panel
};

/* Fill t; false where this device is no CPU under PoCL, has too little local
 * memory, or does not build the program. */
bool gemm_cpu_tile(struct moe_ctx *ctx, struct cpu_tile *t);

/* Rows of a block at most, for sums of k terms.  Where one panel holds them
 * all no block of sums is kept, and more rows share the packed weights. */
int gemm_cpu_rows(const struct cpu_tile *t, int64_t k);

/* Rows of the blocks of the plain kernels (cl/gemm.cl, BM), and columns. */
int gemm_block_rows(const struct moe_ctx *ctx);
int gemm_block_columns(const struct moe_ctx *ctx);

#endif
