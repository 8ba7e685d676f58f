/*
 * ink.h - colours by what they mean.
 *
 * A figure names inks; each way out decides what they look like: print on
 * white paper, or CSS variables that follow the reader's light or dark theme.
 * The series colours are those of Okabe and Ito without the yellow, which
 * does not carry a line on white; dash and mark repeat what colour says.
 */
#ifndef REPORT_INK_H
#define REPORT_INK_H

#include <stdbool.h>

enum {
    INK_NONE,
    INK_TEXT,
    INK_MUTED, // secondary text, quiet lines
    INK_AXIS,
    INK_GRID,
    INK_PAPER,
    INK_VOID,   // the cell of a missing value
    INK_SERIES, // the first of INK_SERIES_N
    INK_SERIES_N = 7,
    INK_NAMED = INK_SERIES + INK_SERIES_N,
    INK_RGB = 1 << 24 // with 0xRRGGBB: the same in every theme
};

/* The i-th series colour; they repeat after INK_SERIES_N. */
int ink_series(int i);

/* 0xRRGGBB of an ink in the light or the dark theme. */
int ink_rgb(int ink, bool dark);

/* The name of an ink's CSS variable, "series-0"; NULL for an INK_RGB. */
const char *ink_name(int ink);

/*
 * The colour of t in [0, 1] on the sequential scale, as an INK_RGB: pale
 * yellow over green to dark blue.
 *
 * Lightness falls in equal steps (OKLab), so equal differences look equal,
 * also in grey and to the colour-blind.  INK_VOID for NaN; t is clamped.
 */
int ink_scale(double t);

/*
 * The colour of t in [-1, 1] on the scale of two sides: brown below 0, pale at
 * 0, blue above.
 *
 * Lightness falls as steeply on both sides; INK_VOID for NaN; t is clamped.
 */
int ink_balance(double t);

/* Black or white, whichever is read better on this INK_RGB. */
int ink_on(int rgb);

/* Relative luminance contrast of two 0xRRGGBB, 1 to 21 (WCAG 2). */
double ink_contrast(int a, int b);

#endif
