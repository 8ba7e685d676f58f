/*
 * xml.c - text and attributes that cannot break out of XML or HTML.
 */
#include "config.h"

#include "report/xml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

static bool
allowed(int32_t point)
{
    return point == '\t' || point == '\n' || (point >= 0x20 && point < 0x7f) ||
           (point >= 0xa0 && point < 0xfffe) || point > 0xffff;
}

static const char *
entity(int32_t point)
{
    return point == '&'    ? "&amp;"
           : point == '<'  ? "&lt;"
           : point == '>'  ? "&gt;"
           : point == '"'  ? "&quot;"
           : point == '\'' ? "&#39;"
                           : NULL;
}

void
xml_text(struct str *out, const char *text)
{
    const size_t n = strlen(text);
    for (size_t i = 0; i < n;) {
        char bytes[4];
        int32_t point;
        i += (size_t)abs(utf8_get(text + i, n - i, &point));
        const char *name = entity(point);
        if (name)
            str_puts(out, name);
        else
            str_add(out, bytes,
                    (size_t)utf8_put(bytes, allowed(point) ? point : 0xfffd));
    }
}

void
xml_printf(struct str *out, const char *fmt, ...)
{
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    xml_text(out, text);
}

void
xml_number(struct str *out, double x)
{
    char text[48];
    snprintf(text, sizeof text, "%.2f", x);
    char *end = text + strlen(text);
    while (end[-1] == '0')
        *--end = '\0';
    if (end[-1] == '.')
        *--end = '\0';
    str_puts(out, strcmp(text, "-0") == 0 ? "0" : text);
}

void
xml_name(char *out, size_t cap, const char *text)
{
    size_t n = 0;
    for (; *text && n + 1 < cap; text++) {
        const char c = *text;
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-';
        out[n++] = plain ? c : '_';
    }
    if (n == 0)
        out[n++] = '_';
    out[n] = '\0';
}
