/*
 * suffix.h - how a file's name ends.
 */
#ifndef DATA_SUFFIX_H
#define DATA_SUFFIX_H

#include <stdbool.h>
#include <string.h>

static inline bool
suffix_is(const char *path, const char *suffix)
{
    size_t n = strlen(path), m = strlen(suffix);
    return n >= m && strcmp(path + n - m, suffix) == 0;
}

#endif
