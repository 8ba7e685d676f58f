/*
 * spec_value.c - one value of a spec: its type, its range, its place in the
 * struct.
 */
#include "config.h"

#include "job/store.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

int
store_no_memory(const struct store *s)
{
    return moe_fail(s->err, MOE_ENOMEM, "%s: out of memory", s->source->name);
}

const char *
store_describe(const struct job_node *node)
{
    static const char *const words[] = {[JOB_NULL] = "nothing",
                                        [JOB_SCALAR] = "a value",
                                        [JOB_LIST] = "a list",
                                        [JOB_MAP] = "a map"};
    return node->kind == JOB_SCALAR ? node->text : words[node->kind];
}

int
store_wrong(const struct store *s, const struct job_node *node)
{
    struct str allowed = {0};
    job_field_allowed(&allowed, s->field);
    int rc = job_node_fail(s->err, s->source, node, s->field->name,
                           "'%.80s' found, %s allowed", store_describe(node),
                           allowed.failed ? "" : allowed.s);
    str_free(&allowed);
    return rc;
}

int
store_string(const struct store *s, const struct job_node *node, char **out,
             size_t max)
{
    if (node->kind != JOB_SCALAR || !node->text[0])
        return store_wrong(s, node);
    size_t n = strlen(node->text);
    if (n > max)
        return job_node_fail(s->err, s->source, node, s->field->name,
                             "%zu bytes, at most %zu allowed", n, max);
    char *copy = str_copy(node->text);
    if (!copy)
        return store_no_memory(s);
    free(*out);
    *out = copy;
    return MOE_OK;
}

/* A whole number in base ten; an underscore may stand between two digits. */
static bool
whole_number(int64_t *out, const struct job_node *node)
{
    char digits[32];
    size_t n = 0;
    if (node->kind != JOB_SCALAR || node->quoted)
        return false;
    for (const char *p = node->text; *p; p++) {
        bool sign = (*p == '-' || *p == '+') && p == node->text;
        bool gap = *p == '_' && p != node->text &&
                   isdigit((unsigned char)p[-1]) &&
                   isdigit((unsigned char)p[1]);
        if (gap)
            continue;
        if ((!sign && !isdigit((unsigned char)*p)) || n + 1 >= sizeof digits)
            return false;
        digits[n++] = *p;
    }
    digits[n] = '\0';
    if (!n || !isdigit((unsigned char)digits[n - 1]))
        return false;
    errno = 0;
    long long x = strtoll(digits, NULL, 10);
    *out = x;
    return errno == 0;
}

static int
take_int(const struct store *s, const struct job_node *node)
{
    int64_t x;
    if (!whole_number(&x, node) || x < s->field->min || x > s->field->max)
        return store_wrong(s, node);
    *(int64_t *)job_field_at(s->field, s->spec) = x;
    return MOE_OK;
}

bool
store_real_number(double *out, const struct job_node *node)
{
    char *end;
    if (node->kind != JOB_SCALAR || node->quoted || !node->text[0] ||
        node->text[strspn(node->text, "+-.0123456789eE")])
        return false;
    *out = strtod(node->text, &end);
    return *end == '\0' && isfinite(*out);
}

static int
take_real(const struct store *s, const struct job_node *node)
{
    double x;
    if (!store_real_number(&x, node) || x < s->field->low || x > s->field->high)
        return store_wrong(s, node);
    *(double *)job_field_at(s->field, s->spec) = x;
    return MOE_OK;
}

static int
take_bool(const struct store *s, const struct job_node *node)
{
    bool yes = node->kind == JOB_SCALAR && !node->quoted &&
               strcmp(node->text, "true") == 0;
    bool no = node->kind == JOB_SCALAR && !node->quoted &&
              strcmp(node->text, "false") == 0;
    if (!yes && !no)
        return store_wrong(s, node);
    *(bool *)job_field_at(s->field, s->spec) = yes;
    return MOE_OK;
}

static int
take_enum(const struct store *s, const struct job_node *node)
{
    const char *word = s->field->words;
    if (node->kind != JOB_SCALAR)
        return store_wrong(s, node);
    for (int i = 0; *word; i++) {
        size_t n = strcspn(word, "|");
        if (n == strlen(node->text) && memcmp(word, node->text, n) == 0) {
            *(int *)job_field_at(s->field, s->spec) = i;
            return MOE_OK;
        }
        word += n + (word[n] == '|');
    }
    return store_wrong(s, node);
}

/* Seconds in a unit's letter, 0 when it is none. */
static int64_t
unit_seconds(char letter)
{
    switch (letter) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    default:
        return 0;
    }
}

/* "90" or parts of falling units, "1h30m". */
static bool
duration(int64_t *out, const struct job_node *node, int64_t max)
{
    int64_t total = 0, last = INT64_MAX;
    if (whole_number(out, node))
        return *out >= 0 && *out <= max;
    if (node->kind != JOB_SCALAR)
        return false;
    for (const char *p = node->text; *p;) {
        int64_t x = 0, unit;
        if (!isdigit((unsigned char)*p))
            return false;
        for (; isdigit((unsigned char)*p); p++)
            if ((x = 10 * x + (*p - '0')) > max)
                return false;
        unit = unit_seconds(*p++);
        if (!unit || unit >= last || x > (max - total) / unit)
            return false;
        total += x * unit;
        last = unit;
    }
    *out = total;
    return node->text[0] != '\0';
}

static int
take_duration(const struct store *s, const struct job_node *node)
{
    int64_t x;
    if (duration(&x, node, s->field->max)) {
        *(int64_t *)job_field_at(s->field, s->spec) = x;
        return MOE_OK;
    }
    return job_node_fail(s->err, s->source, node, s->field->name,
                         "'%.80s' found, a duration up to %" PRId64
                         "d allowed, such as 90s, 30m, 36h or 1h30m",
                         store_describe(node), s->field->max / 86400);
}

int
job_field_store(struct moe_err *err, const struct job_source *source,
                const struct job_field *field, const struct job_node *node,
                struct job_spec *spec)
{
    const struct store s = {err, source, field, spec};
    void *at = job_field_at(field, spec);
    switch (field->type) {
    case JOB_STRING:
        return store_string(&s, node, at, (size_t)field->max);
    case JOB_PATH:
        return store_string(&s, node, at, JOB_PATH_BYTES);
    case JOB_INT:
        return take_int(&s, node);
    case JOB_REAL:
        return take_real(&s, node);
    case JOB_BOOL:
        return take_bool(&s, node);
    case JOB_ENUM:
        return take_enum(&s, node);
    case JOB_DURATION:
        return take_duration(&s, node);
    case JOB_NAMES:
        return store_strings(&s, node, at, JOB_NAME_BYTES);
    case JOB_PATHS:
        return store_strings(&s, node, at, JOB_PATH_BYTES);
    case JOB_DATA:
        return store_data(&s, node);
    case JOB_SHARES:
        return store_shares(&s, node);
    case JOB_PAIRS:
        return store_pairs(&s, node);
    }
    return MOE_EINVAL;
}

int
job_field_default(struct moe_err *err, const struct job_field *field,
                  struct job_spec *spec)
{
    static const struct job_source source = {.name = "default"};
    if (!field->deflt)
        return MOE_OK;
    char *text = str_copy(field->deflt);
    if (!text)
        return moe_fail(err, MOE_ENOMEM, "job spec: out of memory");
    struct job_node node = {.kind = JOB_SCALAR, .text = text};
    int rc = job_field_store(err, &source, field, &node, spec);
    free(text);
    return rc;
}
