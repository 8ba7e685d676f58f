/*
 * languages.h - one name for a language that data sets call differently, and
 * whether it is one of those with much text or little.
 *
 * Known are the fourteen of the study on language adaptation: en ar cs es fi
 * hi ru were trained on (high), nl ur sk ca et mr uk adapted to (low).
 */
#ifndef EVAL_LANGUAGES_H
#define EVAL_LANGUAGES_H

#include <stddef.h>

enum resource { RESOURCE_NONE, RESOURCE_HIGH, RESOURCE_LOW };

/* "ca" for ca, cat and cat_Latn; the name itself when it is not known. */
const char *language_name(const char *name);

enum resource language_resource(const char *name);

/* The place of a language in tables: high ones first, in the order above, then
 * low ones; those not known have the same, after all others. */
size_t language_order(const char *name);

#endif
