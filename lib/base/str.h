/*
 * str.h - a growing string, and the few string jobs that need an allocation.
 *
 * A failed allocation marks the string; every later call on it is a no-op, so
 * a caller checks once, at the end, with str_take() or `failed`.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

#include <polymoe/error.h>

/* Zero it to start.  s is NULL while nothing was added; always terminated. */
struct str {
    char *s;
    size_t n;    // bytes, without the terminating zero
    size_t cap;  // bytes allocated
    bool failed; // an allocation failed; the content is cut
};

void str_add(struct str *b, const void *bytes, size_t n);
void str_puts(struct str *b, const char *s);
void str_printf(struct str *b, const char *fmt, ...) MOE_PRINTF(2, 3);
void str_clear(struct str *b);
void str_free(struct str *b);

/* Hand the text over and empty b: "" when nothing was added, NULL after a
 * failed allocation.  The caller frees it. */
char *str_take(struct str *b);

/* A formatted string that the caller frees, or NULL. */
char *str_format(const char *fmt, ...) MOE_PRINTF(1, 2);
char *str_copy(const char *s);

/* dir/name, or name alone when it is absolute or dir is NULL or "". */
char *str_path(const char *dir, const char *name);

/* "13.8 GB", "512 B": decimal units, three significant digits. */
void str_bytes(char *out, size_t cap, unsigned long long bytes);

/* "2:05", "1:02:05", "3d 04:00": for people. */
void str_duration(char *out, size_t cap, double seconds);

#endif
