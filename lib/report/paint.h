/*
 * paint.h - what figures share with cairo.
 */
#ifndef REPORT_PAINT_H
#define REPORT_PAINT_H

#include <cairo.h>
#include <stddef.h>

#include "report/figure.h"

/* Choose the font in which a text is measured and drawn. */
void paint_font(cairo_t *cr, struct words words);

/* Well-formed UTF-8 without control characters, cut to fit: cairo refuses
 * the one, and XML the other. */
void paint_clean(char *out, size_t cap, const char *text);

#endif
