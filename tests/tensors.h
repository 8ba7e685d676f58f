/*
 * tensors.h - tensors on the device for the check programs of kernels.
 *
 * Every tensor lies between two guards of NaN in a buffer of its own, at an
 * odd offset: a kernel that ignores the offset, relies on alignment or writes
 * outside is found out when the tensor is read.  All of it, and what
 * support_alloc() gave, lives until support_free(), the teardown of a test.
 */
#ifndef TESTS_TENSORS_H
#define TESTS_TENSORS_H

#include "tests/support.h"

#include "tensor/tensor.h"

/* A shape for support_tensor(): SHAPE(N, D). */
#define SHAPE(...)                                                             \
    (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),                 \
        (const int64_t[])                                                      \
    {                                                                          \
        __VA_ARGS__                                                            \
    }

/* A tensor of this shape that holds `data`, or NaN (-1 as integers) when data
 * is NULL: support_tensor("x", DTYPE_F32, SHAPE(N, D), x). */
struct tensor support_tensor(const char *name, enum dtype t, int rank,
                             const int64_t *dim, const void *data);

/* n normal numbers of deviation `scale` as a tensor; host, when not NULL,
 * gets the values that the device has, rounded to type t. */
struct tensor support_random(const char *name, enum dtype t, int rank,
                             const int64_t *dim, uint64_t seed, double scale,
                             float *host);

/* The elements of a tensor, in its own type; fails when a guard changed. */
void support_read(const struct tensor *t, void *out);

/* Read an f32 tensor and compare it as support_close() does. */
void support_close_tensor(const struct tensor *t, const double *want,
                          double abs, double rel);

/* Fail unless two tensors hold the same bytes. */
void support_same(const struct tensor *a, const struct tensor *b);

/* n zeroed elements, and n random integers in [0, end). */
void *support_alloc(size_t n, size_t size);
int32_t *support_integers(size_t n, uint64_t seed, int64_t end);

/* Destroy every tensor and free all memory given so far. */
void support_free(void);

/* Whether $POLYMOE_QUICK asks for small sizes: an interpreter or a slow
 * compiler runs the kernels. */
int support_quick(void);

#endif
