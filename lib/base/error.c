/*
 * error.c - codes to words and exit statuses; recording a failure.
 */
#include <polymoe/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct row {
    int code;
    int status;
    const char *name;
    const char *words;
};

static const struct row rows[] = {{MOE_OK, 0, "OK", "success"},
#define XX(name, number, status, words) {number, status, #name, words},
                                  MOE_ERR_MAP(XX)
#undef XX
};

static const struct row unknown = {0, 1, "EUNKNOWN", "unknown error"};

static const struct row *
find(int code)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].code == code)
            return &rows[i];
    return &unknown;
}

int
moe_fail_before(struct moe_err *err, int code, const char *fmt, ...)
{
    char sentence[MOE_ERR_TEXT], words[MOE_ERR_TEXT];
    va_list ap;
    if (!err)
        return code;
    memcpy(sentence, err->text, sizeof sentence);
    va_start(ap, fmt);
    vsnprintf(words, sizeof words, fmt, ap);
    va_end(ap);
    return moe_fail(err, code, "%s: %s", words, sentence);
}

int
moe_fail(struct moe_err *err, int code, const char *fmt, ...)
{
    if (!err)
        return code;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    for (char *p = err->text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    err->code = code;
    return code;
}

const char *
moe_strerror(int code)
{
    return find(code)->words;
}

const char *
moe_errname(int code)
{
    return find(code)->name;
}

int
moe_exit_status(int code)
{
    return find(code)->status;
}
