/*
 * mem.h - allocation whose sizes cannot overflow.
 *
 * Every product or sum of sizes in the project goes through these.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* *out = a * b, or false when that does not fit. */
bool mem_mul(size_t *out, size_t a, size_t b);
bool mem_add(size_t *out, size_t a, size_t b);

/* *out = the product of n factors, or false on overflow. */
bool mem_product(uint64_t *out, const uint64_t *factor, size_t n);

/* n zeroed elements of `size` bytes; NULL on overflow or without memory.
 * n = 0 gives a pointer that may be freed. */
void *mem_zero(size_t n, size_t size);

/* A copy of n bytes, or NULL. */
void *mem_dup(const void *p, size_t n);

/*
 * Room for `need` elements in a growing array.
 *
 * Returns p or its new place and raises *cap; NULL without memory, and then p
 * is still valid and still the caller's.  New elements are not initialised.
 */
void *mem_grow(void *p, size_t *cap, size_t need, size_t size);

/* The most bytes of physical memory that this process has held at a time; 0
 * where the system does not tell. */
uint64_t mem_resident_peak(void);

#endif
