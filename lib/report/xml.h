/*
 * xml.h - text and attributes that cannot break out of XML or HTML.
 */
#ifndef REPORT_XML_H
#define REPORT_XML_H

#include "base/str.h"

/* Append text with markup escaped (also both quotes), malformed UTF-8 and
 * characters that XML 1.0 excludes replaced by U+FFFD. */
void xml_text(struct str *out, const char *text);

/* The same of a formatted text of at most 2047 bytes. */
void xml_printf(struct str *out, const char *fmt, ...) MOE_PRINTF(2, 3);

/* A coordinate: two digits after the point, no trailing zeros. */
void xml_number(struct str *out, double x);

/* What may stand in an id, an anchor or a file's name: ASCII letters, digits,
 * '-' and '_' of `text`, every other byte as '_'; at most cap - 1 bytes, "_"
 * when there is nothing. */
void xml_name(char *out, size_t cap, const char *text);

#endif
