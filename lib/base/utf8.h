/*
 * utf8.h - UTF-8 one character at a time, checked, and its repair.
 *
 * Malformed means what Unicode's table 3-7 excludes: overlong forms,
 * surrogates, numbers above U+10FFFF, cut sequences.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str;

/*
 * The first character of n >= 1 bytes.
 *
 * Returns its length and stores its number; or minus the length of the
 * maximal malformed part, and then *point is U+FFFD.
 */
int utf8_get(const char *s, size_t n, int32_t *point);

/* Where the last character of n >= 1 well-formed bytes begins. */
size_t utf8_last(const char *s, size_t n);

/* Write a character; returns its length, 1 to 4. */
int utf8_put(char out[4], int32_t point);

/* How many bytes from the start are well formed. */
size_t utf8_prefix(const char *s, size_t n);
bool utf8_valid(const char *s, size_t n);

/* Append the text with U+FFFD for each maximal malformed part (the choice of
 * the Unicode standard, section 3.9); returns how many there were. */
uint64_t utf8_repair(struct str *out, const char *s, size_t n);

#endif
