/*
 * utf8.h - UTF-8, one code point at a time.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The code point at s, of n > 0 bytes.  Returns its length, 1 to 4, or 0 when
 * the bytes are no UTF-8: a stray or missing continuation byte, a longer form
 * than needed, a surrogate, or a value above U+10FFFF (RFC 3629).
 */
size_t utf8_next(uint32_t *code, const char *s, size_t n);

bool utf8_valid(const char *s, size_t n);

#endif
