/*
 * text.c - names and words from elsewhere, made safe for a terminal.
 */
#include "config.h"

#include "client/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <utf8proc.h>

#include "base/str.h"
#include "base/utf8.h"

static bool
is_harmful(int32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e ||
           c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

char *
text_clean(const char *s)
{
    struct str out = {0};
    size_t n = strlen(s);
    while (n) {
        int32_t c;
        int step = utf8_get(s, n, &c);
        size_t length = (size_t)(step < 0 ? -step : step);
        if (step < 0 || is_harmful(c))
            str_puts(&out, "?");
        else
            str_add(&out, s, length);
        s += length;
        n -= length;
    }
    return str_take(&out);
}

size_t
text_width(const char *s)
{
    size_t width = 0, n = strlen(s);
    while (n) {
        int32_t c;
        int length = utf8_get(s, n, &c);
        if (length < 0)
            break;
        width += (size_t)utf8proc_charwidth(c);
        s += length;
        n -= (size_t)length;
    }
    return width;
}

size_t
text_fit(const char *s, size_t columns)
{
    size_t at = 0, width = 0, n = strlen(s);
    while (at < n) {
        int32_t c;
        int length = utf8_get(s + at, n - at, &c);
        if (length < 0)
            break;
        width += (size_t)utf8proc_charwidth(c);
        if (width > columns)
            break;
        at += (size_t)length;
    }
    return at;
}

bool
text_colours(FILE *f)
{
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fileno(f)) && !(none && *none) &&
           !(term && strcmp(term, "dumb") == 0);
}

size_t
text_columns(FILE *f)
{
    struct winsize w;
    const char *env = getenv("COLUMNS");
    if (!isatty(fileno(f)))
        return 0;
    int n = env ? atoi(env) : 0;
    if (n <= 0 && ioctl(fileno(f), TIOCGWINSZ, &w) == 0)
        n = w.ws_col;
    return n > 20 ? (size_t)n : 80;
}
