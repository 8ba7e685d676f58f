/*
 * pattern.c - a tokenizer.json's regular expression, for PCRE2.
 */
#include "data/pattern.h"

#include <string.h>

#include "base/str.h"

const char pattern_gpt2[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|"
    "\\s+(?!\\S)|\\s+";

/* White_Space, as the inside of a class. */
static const char white_space[] = "\\p{Z}\\x09-\\x0d\\x85";

/* What a backslash and `letter` become; NULL: they stay as they are, "" when
 * they are refused. */
static const char *
escape(char letter, bool in_class)
{
    if (letter == 's')
        return in_class ? white_space : "[\\p{Z}\\x09-\\x0d\\x85]";
    if (letter == 'S' && !in_class)
        return "[^\\p{Z}\\x09-\\x0d\\x85]";
    return letter == 'h' || letter == 'H' || letter == 'Z' ? "" : NULL;
}

/* Rewrite the pattern; returns the offset of what is refused, or -1. */
static long
translate(struct str *out, const char *p)
{
    bool in_class = false;
    for (size_t i = 0; p[i]; i++) {
        const char *other = NULL;
        if (p[i] == '\\' && p[i + 1]) {
            other = escape(p[i + 1], in_class);
            if (other && !*other)
                return (long)i;
            if (other)
                str_puts(out, other);
            else
                str_add(out, p + i, 2);
            i++;
            continue;
        }
        if (!in_class && (p[i] == '^' || p[i] == '$'))
            return (long)i;
        if (p[i] == '[' && !in_class) {
            in_class = true;
            str_add(out, p + i, 1);
            if (p[i + 1] == '^')
                str_add(out, p + ++i, 1);
            continue;
        }
        if (p[i] == ']')
            in_class = false;
        str_add(out, p + i, 1);
    }
    return -1;
}

static int
compile(struct moe_err *err, pcre2_code **out, const char *text, size_t n,
        uint32_t options, const char *path)
{
    int code;
    PCRE2_SIZE at;
    *out = pcre2_compile((PCRE2_SPTR)text, n, PCRE2_UTF | options, &code, &at,
                         NULL);
    if (*out)
        return MOE_OK;
    char words[128];
    pcre2_get_error_message(code, (PCRE2_UCHAR *)words, sizeof words);
    return moe_fail(err, MOE_EFORMAT,
                    "%s: pre_tokenizer: pattern '%.300s' at %zu: %s", path,
                    text, (size_t)at, words);
}

int
pattern_compile(struct moe_err *err, pcre2_code **out, bool *jit,
                const char *pattern, bool literal, const char *path)
{
    struct str text = {0};
    int rc = MOE_OK;
    *out = NULL;
    if (literal) {
        str_puts(&text, pattern);
    } else {
        long refused = translate(&text, pattern);
        if (refused >= 0)
            rc = moe_fail(err, MOE_EFORMAT,
                          "%s: pre_tokenizer: pattern '%.300s': '%.2s' is not "
                          "supported",
                          path, pattern, pattern + refused);
    }
    if (!rc && text.failed)
        rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", path);
    if (!rc)
        rc = compile(err, out, text.s ? text.s : "", text.n,
                     literal ? PCRE2_LITERAL : PCRE2_UCP, path);
    if (!rc)
        *jit = pcre2_jit_compile(*out, PCRE2_JIT_COMPLETE) == 0;
    str_free(&text);
    return rc;
}
