/*
 * utf8.c - UTF-8, one code point at a time.
 */
#include "base/utf8.h"

size_t
utf8_next(uint32_t *code, const char *s, size_t n)
{
    /* Smallest code point that needs 1, 2, 3, 4 bytes. */
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)s[0];
    size_t length = first < 0x80             ? 1
                    : (first & 0xe0) == 0xc0 ? 2
                    : (first & 0xf0) == 0xe0 ? 3
                    : (first & 0xf8) == 0xf0 ? 4
                                             : 0;
    if (!length || length > n)
        return 0;
    uint32_t c = length == 1 ? first : first & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (((unsigned char)s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | ((unsigned char)s[i] & 0x3f);
    }
    if (c < least[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *code = c;
    return length;
}

bool
utf8_valid(const char *s, size_t n)
{
    while (n) {
        uint32_t code;
        size_t length = utf8_next(&code, s, n);
        if (!length)
            return false;
        s += length;
        n -= length;
    }
    return true;
}
