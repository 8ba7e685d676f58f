/*
 * mem.c - allocation whose sizes cannot overflow.
 */
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

bool
mem_mul(size_t *out, size_t a, size_t b)
{
    if (b && a > SIZE_MAX / b)
        return false;
    *out = a * b;
    return true;
}

bool
mem_add(size_t *out, size_t a, size_t b)
{
    if (a > SIZE_MAX - b)
        return false;
    *out = a + b;
    return true;
}

bool
mem_product(uint64_t *out, const uint64_t *factor, size_t n)
{
    uint64_t product = 1;
    for (size_t i = 0; i < n; i++) {
        if (factor[i] && product > UINT64_MAX / factor[i])
            return false;
        product *= factor[i];
    }
    *out = product;
    return true;
}

void *
mem_zero(size_t n, size_t size)
{
    return calloc(n ? n : 1, size ? size : 1);
}

void *
mem_dup(const void *p, size_t n)
{
    void *copy = malloc(n ? n : 1);
    if (copy && n)
        memcpy(copy, p, n);
    return copy;
}

void *
mem_grow(void *p, size_t *cap, size_t need, size_t size)
{
    if (need <= *cap && p)
        return p;
    size_t want = *cap + *cap / 2, bytes;
    if (want < need)
        want = need;
    if (want < 16)
        want = 16;
    if (!mem_mul(&bytes, want, size))
        return NULL;
    void *grown = realloc(p, bytes);
    if (grown)
        *cap = want;
    return grown;
}

uint64_t
mem_resident_peak(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) || usage.ru_maxrss < 0)
        return 0;
#ifdef __APPLE__
    return (uint64_t)usage.ru_maxrss;
#else
    return (uint64_t)usage.ru_maxrss * 1024; // the BSDs and Linux count KiB
#endif
}
