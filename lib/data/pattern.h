/*
 * pattern.h - a tokenizer.json's regular expression, for PCRE2.
 *
 * The files are written for Oniguruma, whose \s is Unicode's White_Space;
 * PCRE2's also has U+180E, which stands in Mongolian text.  Nothing else of
 * the patterns in use differs; what would (line anchors, \h) is refused.
 */
#ifndef DATA_PATTERN_H
#define DATA_PATTERN_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdbool.h>

#include <polymoe/error.h>

/* What ByteLevel with use_regex means: GPT-2's pattern. */
extern const char pattern_gpt2[];

/*
 * Compile with UTF and Unicode properties, to machine code where PCRE2 can.
 *
 * `literal`: the pattern is a text to be found.  MOE_EFORMAT with PCRE2's
 * words and the place in the pattern; MOE_ENOMEM.
 */
int pattern_compile(struct moe_err *err, pcre2_code **out, bool *jit,
                    const char *pattern, bool literal, const char *path);

#endif
