/*
 * spec_text.c - the canonical text of a spec: spec.yaml of every job.
 */
#include "config.h"

#include "job/field.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "base/utf8.h"

/* A word that YAML cannot take for anything but a string. */
static bool
is_plain(const char *s)
{
    static const char *const words[] = {"true", "false", "yes",  "no",
                                        "on",   "off",   "null", "y",
                                        "n",    "inf",   "nan"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(s, words[i]) == 0)
            return false;
    if (!isalpha((unsigned char)s[0]) && s[0] != '/')
        return false;
    for (const char *p = s; *p; p++)
        if ((unsigned char)*p >= 0x80 ||
            (!isalnum((unsigned char)*p) && !strchr("_./@%+=-", *p)))
            return false;
    return true;
}

/* May stand between double quotes as it is. */
static bool
is_printable(int32_t c)
{
    return c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0) && c != 0x2028 &&
           c != 0x2029 && c != 0xfeff && (c & 0xfffe) != 0xfffe;
}

static void
put_string(struct str *out, const char *s)
{
    size_t n = strlen(s);
    if (is_plain(s)) {
        str_puts(out, s);
        return;
    }
    str_puts(out, "\"");
    while (n) {
        int32_t c; // U+FFFD for what cannot come from YAML or MessagePack
        int step = utf8_get(s, n, &c);
        size_t length = (size_t)(step < 0 ? -step : step);
        if (c == '"' || c == '\\')
            str_printf(out, "\\%c", (int)c);
        else if (step > 0 && is_printable(c))
            str_add(out, s, length);
        else if (c <= 0xff)
            str_printf(out, "\\x%02" PRIX32, (uint32_t)c);
        else
            str_printf(out, "\\U%08" PRIX32, (uint32_t)c);
        s += length;
        n -= length;
    }
    str_puts(out, "\"");
}

static void
put_strings(struct str *out, const struct job_strings *list)
{
    str_puts(out, "[");
    for (size_t i = 0; i < list->n; i++) {
        str_puts(out, i ? ", " : "");
        put_string(out, list->item[i]);
    }
    str_puts(out, "]");
}

static void
put_data(struct str *out, const struct job_data *data)
{
    if (data->directory) {
        put_string(out, data->directory);
        return;
    }
    for (size_t i = 0; i < data->n; i++) {
        str_puts(out, "\n  ");
        put_string(out, data->language[i].name);
        str_puts(out, ": ");
        put_strings(out, &data->language[i].files);
    }
}

/* The shortest decimal that reads back to the same number. */
static void
put_real(struct str *out, double x)
{
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    str_puts(out, text);
}

static void
put_shares(struct str *out, const struct job_shares *shares)
{
    for (size_t i = 0; i < shares->n; i++) {
        str_puts(out, "\n  ");
        put_string(out, shares->name[i]);
        str_puts(out, ": ");
        put_real(out, shares->value[i]);
    }
}

static void
put_pairs(struct str *out, const struct job_pairs *pairs)
{
    for (size_t i = 0; i < pairs->n; i++) {
        str_puts(out, "\n  ");
        put_string(out, pairs->name[i]);
        str_puts(out, ": ");
        put_string(out, pairs->value[i]);
    }
}

/* Whether a value begins on the line after its field. */
static bool
is_block(const struct job_field *field, const struct job_spec *spec)
{
    const struct job_data *data = job_field_at(field, spec);
    return field->type == JOB_SHARES || field->type == JOB_PAIRS ||
           (field->type == JOB_DATA && !data->directory);
}

static void
put_value(struct str *out, const struct job_field *field,
          const struct job_spec *spec)
{
    const void *at = job_field_at(field, spec);
    const char *word;
    size_t n;
    switch (field->type) {
    case JOB_STRING:
    case JOB_PATH:
        put_string(out, *(char *const *)at);
        break;
    case JOB_INT:
    case JOB_DURATION:
        str_printf(out, "%" PRId64, *(const int64_t *)at);
        break;
    case JOB_REAL:
        put_real(out, *(const double *)at);
        break;
    case JOB_BOOL:
        str_puts(out, *(const bool *)at ? "true" : "false");
        break;
    case JOB_ENUM:
        n = job_field_word(field, *(const int *)at, &word);
        str_add(out, word, n);
        break;
    case JOB_NAMES:
    case JOB_PATHS:
        put_strings(out, at);
        break;
    case JOB_DATA:
        put_data(out, at);
        break;
    case JOB_SHARES:
        put_shares(out, at);
        break;
    case JOB_PAIRS:
        put_pairs(out, at);
        break;
    }
}

void
job_spec_text(struct str *out, const struct job_spec *spec)
{
    for (const struct job_field *f = job_fields; f->name; f++) {
        if (!job_field_given(f, spec))
            continue;
        str_printf(out, is_block(f, spec) ? "%s:" : "%s: ", f->name);
        put_value(out, f, spec);
        str_puts(out, "\n");
    }
}
