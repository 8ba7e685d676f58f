/*
 * tensor.h - a named view of a buffer: where, what type, which shape.
 *
 * Row-major, contiguous.  A weight and an activation look alike to a kernel:
 * a buffer and a 64-bit offset into it, in elements.
 */
#ifndef TENSOR_TENSOR_H
#define TENSOR_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include <polymoe/error.h>

struct buffer;

/* Number, name in safetensors, bytes an element.  The numbers are passed to
 * kernels (prelude.cl) and never reused. */
/* clang-format off */
#define DTYPE_MAP(XX)        \
    XX(F32,  0, "F32",  4)   \
    XX(BF16, 1, "BF16", 2)   \
    XX(F16,  2, "F16",  2)   \
    XX(I32,  3, "I32",  4)   \
    XX(U16,  4, "U16",  2)   \
    XX(U32,  5, "U32",  4)   \
    XX(U64,  6, "U64",  8)
/* clang-format on */

enum dtype {
#define XX(name, number, text, bytes) DTYPE_##name = number,
    DTYPE_MAP(XX)
#undef XX
        DTYPE_COUNT
};

size_t dtype_bytes(enum dtype t);
const char *dtype_name(enum dtype t);
/* The type of a safetensors name, or -1 when we cannot compute with it. */
int dtype_find(const char *name);

/* Host conversions.  bf16 rounds to nearest even and keeps NaN a NaN. */
float dtype_bf16_to_f32(uint16_t x);
uint16_t dtype_f32_to_bf16(float x);
float dtype_f16_to_f32(uint16_t x);
uint16_t dtype_f32_to_f16(float x);
/* n elements of type t at any alignment, widened. */
void dtype_widen(float *out, const void *in, enum dtype t, size_t n);
/* The way back: n f32 values rounded to type t, F32, BF16 or F16. */
void dtype_narrow(void *out, const float *x, enum dtype t, size_t n);

enum { TENSOR_RANK = 4, TENSOR_SHAPE_TEXT = 96 };

struct tensor {
    struct buffer *buf; // borrowed; NULL: the tensor is absent
    uint64_t offset;    // of the first element, in elements of dtype
    enum dtype dtype;
    int rank;                 // 0 .. TENSOR_RANK
    int64_t dim[TENSOR_RANK]; // unused ones are 1
};

/* Elements; the shape was checked when the tensor was made. */
uint64_t tensor_count(const struct tensor *t);

/* A view without a buffer yet: tensor_shape(DTYPE_F32, 2, (int64_t[]){N, D}).
 */
struct tensor tensor_shape(enum dtype t, int rank, const int64_t *dim);

/* Rows [row, row + rows) of the first dimension. */
struct tensor tensor_rows(const struct tensor *t, int64_t row, int64_t rows);

/* "(128, 2048)". */
const char *tensor_print(char out[TENSOR_SHAPE_TEXT], int rank,
                         const int64_t *dim);

#endif
