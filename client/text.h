/*
 * text.h - names and words from elsewhere, made safe for a terminal.
 */
#ifndef CLIENT_TEXT_H
#define CLIENT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A copy with '?' for control bytes, escape sequences' first byte, marks that
 * change the direction of text, and what is no UTF-8; for the caller to free,
 * NULL without memory. */
char *text_clean(const char *s);

/* Columns that a clean text takes on a terminal. */
size_t text_width(const char *s);

/* Bytes of the longest start of a clean text that takes at most `columns`. */
size_t text_fit(const char *s, size_t columns);

/* Are colours wanted on this stream: a terminal, not dumb, no NO_COLOR? */
bool text_colours(FILE *f);

/* Columns of the terminal behind f: $COLUMNS, what it says, or 0: none. */
size_t text_columns(FILE *f);

#endif
