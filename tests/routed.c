/*
 * routed.c - slots sorted by expert, for the check programs.
 */
#include "config.h"

#include "tests/routed.h"

#include <math.h>

#include "base/rng.h"
#include "tests/tensors.h"

/* Slot s of token s / K goes to which expert. */
static int64_t
choose(const struct routed *r, enum spread spread, int64_t slot)
{
    double u = rng_uniform(7, 0, (uint64_t)slot);
    if (spread == ONE_HAS_ALL)
        return r->E - 1;
    int64_t e = (int64_t)((spread == RAGGED ? u * u * u : u) * (double)r->E);
    return e == 1 && r->E > 2 ? 0 : e;
}

static void
sort(struct routed *r, enum spread spread)
{
    int64_t slots = r->N * r->K, at = 0;
    r->start = support_alloc((size_t)r->E + 1, sizeof *r->start);
    r->slot_token = support_alloc((size_t)slots + 1, sizeof *r->slot_token);
    for (int64_t e = 0; e < r->E; e++) {
        r->start[e] = (int32_t)at;
        for (int64_t i = 0; i < slots; i++)
            if (choose(r, spread, i) == e)
                r->slot_token[at++] = (int32_t)(i / r->K);
    }
    r->start[r->E] = (int32_t)at;
    ck_assert_int_eq(at, slots);
    r->d.start = support_tensor("start", DTYPE_I32, SHAPE(r->E + 1), r->start);
    r->d.slot_token =
        support_tensor("slot_token", DTYPE_I32, SHAPE(slots), r->slot_token);
}

struct tensor
routed_offsets(const struct routed *r, uint64_t first)
{
    uint64_t *offset = support_alloc((size_t)r->E * 3, sizeof *offset);
    for (int64_t i = 0; i < 3 * r->E; i++)
        offset[i] = first + (uint64_t)(i * r->D * r->F);
    return support_tensor("offsets", DTYPE_U64, SHAPE(r->E, 3), offset);
}

void
routed_make(struct routed *r, enum dtype type, enum spread spread)
{
    int64_t size = 3 * r->E * r->D * r->F;
    r->w = support_alloc((size_t)size, sizeof *r->w);
    struct tensor w = support_random("w", type, SHAPE(size), 2,
                                     1.5 / sqrt((double)r->D), r->w);
    // The table counts from the buffer's begin, w lies at an odd offset.
    r->weights = (struct expert_weights){
        .buf = w.buf, .dtype = type, .offsets = routed_offsets(r, w.offset)};
    sort(r, spread);
}

const struct routed_shape routed_shapes[ROUTED_SHAPES] = {
    {130, 16, 4}, {77, 64, 8},  {33, 31, 3}, {20, 33, 5},
    {50, 129, 2}, {15, 200, 2}, {40, 7, 1},  {11, 16, 16}};

int32_t *
routed_choices(int64_t rows, int64_t E, int64_t K, uint64_t seed)
{
    int32_t *idx = support_alloc((size_t)(rows * K), sizeof *idx);
    const int64_t step = E % 7 ? 7 : 1; // no factor of E: K distinct steps
    for (int64_t r = 0; r < rows; r++) {
        const int64_t first =
            (int64_t)(rng_uniform(seed, 0, (uint64_t)r) * (double)E);
        for (int64_t k = 0; k < K; k++)
            idx[r * K + k] = (int32_t)((first + k * step) % E);
    }
    return idx;
}
