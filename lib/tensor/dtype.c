/*
 * dtype.c - element types on the host: names, sizes, widening.
 */
#include "tensor/tensor.h"

#include <string.h>

static const struct {
    const char *name;
    size_t bytes;
} types[DTYPE_COUNT] = {
#define XX(name, number, text, bytes) [number] = {text, bytes},
    DTYPE_MAP(XX)
#undef XX
};

size_t
dtype_bytes(enum dtype t)
{
    return types[t].bytes;
}

const char *
dtype_name(enum dtype t)
{
    return types[t].name;
}

int
dtype_find(const char *name)
{
    for (int i = 0; i < DTYPE_COUNT; i++)
        if (strcmp(types[i].name, name) == 0)
            return i;
    return -1;
}

static float
from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t
to_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

float
dtype_bf16_to_f32(uint16_t x)
{
    return from_bits((uint32_t)x << 16);
}

uint16_t
dtype_f32_to_bf16(float x)
{
    uint32_t bits = to_bits(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) // NaN: keep it quiet
        return (uint16_t)((bits >> 16) | 0x40u);
    return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

float
dtype_f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    uint32_t exponent = (h >> 10) & 0x1fu, fraction = h & 0x3ffu;
    if (exponent == 0x1f)
        return from_bits(sign | 0x7f800000u | fraction << 13);
    if (exponent)
        return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
    float x = (float)fraction * 0x1p-24f; // zero and subnormals, exactly
    return sign ? -x : x;
}

uint16_t
dtype_f32_to_f16(float x)
{
    uint32_t bits = to_bits(x), sign = bits >> 16 & 0x8000u;
    uint32_t a = bits & 0x7fffffffu;
    if (a > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u);
    if (a >= 0x477ff000u) // rounds to 65536 or more: infinity
        return (uint16_t)(sign | 0x7c00u);
    if (a < 0x38800000u) { // below 2^-14: a multiple of 2^-24
        /* Adding 0.5 aligns the value to 2^-24 in round-to-nearest-even. */
        uint32_t r = to_bits(from_bits(a) + 0.5f) - to_bits(0.5f);
        return (uint16_t)(sign | r);
    }
    uint32_t r = a + 0xfffu + ((a >> 13) & 1u);
    return (uint16_t)(sign | ((r - 0x38000000u) >> 13));
}

void
dtype_widen(float *out, const void *in, enum dtype t, size_t n)
{
    const unsigned char *p = in;
    if (t == DTYPE_F32) {
        memcpy(out, in, n * sizeof *out);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        uint16_t x;
        memcpy(&x, p + 2 * i, sizeof x);
        out[i] = t == DTYPE_BF16 ? dtype_bf16_to_f32(x) : dtype_f16_to_f32(x);
    }
}

void
dtype_narrow(void *out, const float *x, enum dtype t, size_t n)
{
    uint16_t *half = out;
    if (t == DTYPE_F32) {
        memcpy(out, x, n * sizeof *x);
        return;
    }
    for (size_t i = 0; i < n; i++)
        half[i] =
            t == DTYPE_BF16 ? dtype_f32_to_bf16(x[i]) : dtype_f32_to_f16(x[i]);
}
