/*
 * utf8.c - UTF-8 one character at a time, checked, and its repair.
 */
#include "base/utf8.h"

#include <string.h>

#include "base/str.h"

/* The length a lead byte asks for, and the range of the byte after it. */
struct lead {
    int length;
    unsigned low, high;
};

static struct lead
read_lead(unsigned b)
{
    if (b >= 0xc2 && b <= 0xdf)
        return (struct lead){2, 0x80, 0xbf};
    if (b >= 0xe0 && b <= 0xef)
        return (struct lead){3, b == 0xe0 ? 0xa0 : 0x80,
                             b == 0xed ? 0x9f : 0xbf};
    if (b >= 0xf0 && b <= 0xf4)
        return (struct lead){4, b == 0xf0 ? 0x90 : 0x80,
                             b == 0xf4 ? 0x8f : 0xbf};
    return (struct lead){1, 0, 0};
}

int
utf8_get(const char *s, size_t n, int32_t *point)
{
    unsigned b = (unsigned char)s[0];
    if (b < 0x80) {
        *point = (int32_t)b;
        return 1;
    }
    struct lead lead = read_lead(b);
    int32_t c = (int32_t)(b & (0xffu >> (lead.length + 1)));
    *point = 0xfffd;
    if (lead.length == 1)
        return -1;
    for (int i = 1; i < lead.length; i++) {
        unsigned next = (size_t)i < n ? (unsigned char)s[i] : 0;
        if (next < lead.low || next > lead.high)
            return -i;
        c = c << 6 | (int32_t)(next & 0x3f);
        lead.low = 0x80;
        lead.high = 0xbf;
    }
    *point = c;
    return lead.length;
}

size_t
utf8_last(const char *s, size_t n)
{
    size_t i = n - 1;
    while (i > 0 && ((unsigned char)s[i] & 0xc0) == 0x80)
        i--;
    return i;
}

int
utf8_put(char out[4], int32_t point)
{
    uint32_t c = (uint32_t)point;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    int length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (int i = length - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((0xf00u >> length & 0xf0) | c);
    return length;
}

/* Eight bytes of ASCII at once. */
static size_t
skip_ascii(const char *s, size_t i, size_t n)
{
    uint64_t word;
    for (; n - i >= sizeof word; i += sizeof word) {
        memcpy(&word, s + i, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
    }
    while (i < n && !(s[i] & 0x80))
        i++;
    return i;
}

size_t
utf8_prefix(const char *s, size_t n)
{
    for (size_t i = 0;;) {
        int32_t point;
        i = skip_ascii(s, i, n);
        if (i == n)
            return n;
        int length = utf8_get(s + i, n - i, &point);
        if (length < 0)
            return i;
        i += (size_t)length;
    }
}

bool
utf8_valid(const char *s, size_t n)
{
    return utf8_prefix(s, n) == n;
}

uint64_t
utf8_repair(struct str *out, const char *s, size_t n)
{
    uint64_t replaced = 0;
    for (size_t i = 0; i < n;) {
        int32_t point;
        size_t good = utf8_prefix(s + i, n - i);
        str_add(out, s + i, good);
        i += good;
        if (i == n)
            break;
        int length = utf8_get(s + i, n - i, &point);
        str_puts(out, "\xef\xbf\xbd");
        i += (size_t)-length;
        replaced++;
    }
    return replaced;
}
