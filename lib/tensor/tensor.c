/*
 * tensor.c - shapes and views.
 */
#include "tensor/tensor.h"

#include <inttypes.h>
#include <stdio.h>

uint64_t
tensor_count(const struct tensor *t)
{
    uint64_t n = 1;
    for (int i = 0; i < t->rank; i++)
        n *= (uint64_t)t->dim[i];
    return n;
}

struct tensor
tensor_shape(enum dtype dtype, int rank, const int64_t *dim)
{
    struct tensor t = {.dtype = dtype, .rank = rank};
    for (int i = 0; i < TENSOR_RANK; i++)
        t.dim[i] = i < rank ? dim[i] : 1;
    return t;
}

struct tensor
tensor_rows(const struct tensor *t, int64_t row, int64_t rows)
{
    struct tensor part = *t;
    uint64_t width = t->dim[0] ? tensor_count(t) / (uint64_t)t->dim[0] : 0;
    part.offset += (uint64_t)row * width;
    part.dim[0] = rows;
    return part;
}

const char *
tensor_print(char out[TENSOR_SHAPE_TEXT], int rank, const int64_t *dim)
{
    size_t n = 0;
    out[n++] = '(';
    for (int i = 0; i < rank && n + 24 < TENSOR_SHAPE_TEXT; i++)
        n += (size_t)snprintf(out + n, TENSOR_SHAPE_TEXT - n, "%s%" PRId64,
                              i ? ", " : "", dim[i]);
    out[n++] = ')';
    out[n] = '\0';
    return out;
}
