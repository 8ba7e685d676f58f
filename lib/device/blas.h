/*
 * blas.h - CLBlast in row-major clothes.
 *
 *   C (m,n) = op(A) (m,k) op(B) (k,n) + beta C
 *
 * Row-major f32.  op transposes: with `ta`, A lies as (k,m), with `tb`, B lies
 * as (n,k).  A weight (out,in) as it lies in a checkpoint is therefore B with
 * tb: Y = X W^T.
 *
 * On CPUs the kernel parameters of CLBlast are replaced by better ones when
 * the first product of a context runs; elsewhere its own tuning stands.
 */
#ifndef DEVICE_BLAS_H
#define DEVICE_BLAS_H

#include "device/device.h"

struct blas_gemm {
    bool ta, tb;
    int64_t m, n, k;
    struct tensor c, a, b; // f32; rank and dims are not read, offsets are
    int64_t ldc, lda, ldb; // row strides in elements; 0: tight
    float beta;            // 0: C is not read and may hold anything
};

/* Whether CLBlast can do it: f32 operands, and indices below 2^31, since its
 * kernels count in 32 bits. */
bool blas_takes(const struct blas_gemm *g);

/*
 * Enqueue the product.  m, n or k may be 0; k = 0 leaves beta C.
 *
 * MOE_OK; MOE_EINVAL for what blas_takes() refuses or a stride below a row's
 * length; MOE_EBLAS with CLBlast's status in words; MOE_ECL.
 */
int blas_sgemm(struct moe_ctx *ctx, const struct blas_gemm *g);

#endif
