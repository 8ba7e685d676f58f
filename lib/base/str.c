/*
 * str.c - a growing string, and the few string jobs that need an allocation.
 */
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Room for n more bytes and the terminating zero. */
static bool
reserve(struct str *b, size_t n)
{
    size_t need;
    if (b->failed || !mem_add(&need, b->n, n) || !mem_add(&need, need, 1)) {
        b->failed = true;
        return false;
    }
    char *s = mem_grow(b->s, &b->cap, need, 1);
    if (!s) {
        b->failed = true;
        return false;
    }
    b->s = s;
    return true;
}

void
str_add(struct str *b, const void *bytes, size_t n)
{
    if (!reserve(b, n))
        return;
    if (n)
        memcpy(b->s + b->n, bytes, n);
    b->n += n;
    b->s[b->n] = '\0';
}

void
str_puts(struct str *b, const char *s)
{
    str_add(b, s, strlen(s));
}

MOE_PRINTF(2, 0)
static void
print(struct str *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n < 0)
        b->failed = true;
    else if (reserve(b, (size_t)n)) {
        vsnprintf(b->s + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

void
str_printf(struct str *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    print(b, fmt, ap);
    va_end(ap);
}

void
str_clear(struct str *b)
{
    b->n = 0;
    b->failed = false;
    if (b->s)
        b->s[0] = '\0';
}

void
str_free(struct str *b)
{
    free(b->s);
    *b = (struct str){0};
}

char *
str_take(struct str *b)
{
    if (!b->failed && !b->s)
        str_add(b, "", 0);
    char *s = b->failed ? NULL : b->s;
    if (b->failed)
        free(b->s);
    *b = (struct str){0};
    return s;
}

char *
str_format(const char *fmt, ...)
{
    struct str b = {0};
    va_list ap;
    va_start(ap, fmt);
    print(&b, fmt, ap);
    va_end(ap);
    return str_take(&b);
}

char *
str_copy(const char *s)
{
    return mem_dup(s, strlen(s) + 1);
}

char *
str_path(const char *dir, const char *name)
{
    if (!dir || !*dir || name[0] == '/')
        return str_copy(name);
    const char *slash = dir[strlen(dir) - 1] == '/' ? "" : "/";
    return str_format("%s%s%s", dir, slash, name);
}

void
str_bytes(char *out, size_t cap, unsigned long long bytes)
{
    static const char *const unit[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double x = (double)bytes;
    size_t u = 0;
    while (x >= 999.5 && u + 1 < sizeof unit / sizeof *unit) {
        x /= 1000;
        u++;
    }
    int digits = u == 0 || x >= 99.95 ? 0 : x >= 9.995 ? 1 : 2;
    snprintf(out, cap, "%.*f %s", digits, x, unit[u]);
}

void
str_duration(char *out, size_t cap, double seconds)
{
    unsigned long long s =
        seconds > 0 ? (unsigned long long)(seconds + 0.5) : 0;
    unsigned long long m = s / 60, h = m / 60, d = h / 24;
    if (d)
        snprintf(out, cap, "%llud %02llu:%02llu", d, h % 24, m % 60);
    else if (h)
        snprintf(out, cap, "%llu:%02llu:%02llu", h, m % 60, s % 60);
    else
        snprintf(out, cap, "%llu:%02llu", m, s % 60);
}
