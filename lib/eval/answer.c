/*
 * answer.c - the answer in a text that a model wrote.
 */
#include "config.h"

#include "eval/answer.h"

#include <string.h>

#include "base/str.h"

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t
run_of(const char *s, const char *set)
{
    return strspn(s, set);
}

bool
answer_strict(struct str *out, const char *text, const char *stem,
              const char *end)
{
    for (const char *at = text; (at = strstr(at, stem)); at++) {
        const char *number = at + strlen(stem);
        size_t sign = *number == '-';
        size_t n = run_of(number + sign, "0123456789.,");
        if (n && strncmp(number + sign + n, end, strlen(end)) == 0) {
            str_add(out, number, sign + n);
            return true;
        }
    }
    return false;
}

/* The length of a match at s, 0 when there is none. */
static size_t
flexible_match(const char *s)
{
    size_t sign = *s == '-';
    size_t n = run_of(s + sign, "$0123456789.,");
    if (n >= 2)
        return sign + n;
    n = run_of(s + sign, "0123456789");
    return n ? sign + n : 0;
}

bool
answer_flexible(struct str *out, const char *text)
{
    const char *last = NULL;
    size_t length = 0;
    while (*text) {
        size_t n = flexible_match(text);
        if (n) {
            last = text;
            length = n;
        }
        text += n ? n : 1;
    }
    if (last)
        str_add(out, last, length);
    return last != NULL;
}

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool
is_punctuation(char c)
{
    return c > ' ' && c < 0x7f && !is_digit(c) &&
           !(lower(c) >= 'a' && lower(c) <= 'z');
}

/* The next character that counts; 0 at the end. */
static char
next_mgsm(const char **s)
{
    while (is_punctuation(**s))
        ++*s;
    return **s ? lower(*(*s)++) : '\0';
}

static char
next_gsm8k(const char **s)
{
    while (**s == ',' || **s == '$' || (**s == '.' && !(*s)[1]))
        ++*s;
    return **s ? lower(*(*s)++) : '\0';
}

static bool
same(const char *a, const char *b, char next(const char **))
{
    for (;;) {
        char x = next(&a), y = next(&b);
        if (x != y)
            return false;
        if (!x)
            return true;
    }
}

bool
answer_same_mgsm(const char *a, const char *b)
{
    return same(a, b, next_mgsm);
}

/* What follows the last mark of a solution. */
static const char *
after_mark(const char *s)
{
    for (const char *mark; (mark = strstr(s, "#### "));)
        s = mark + strlen("#### ");
    return s;
}

bool
answer_same_gsm8k(const char *a, const char *b)
{
    return same(after_mark(a), after_mark(b), next_gsm8k);
}
