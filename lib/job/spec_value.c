/*
 * spec_value.c - one value of a spec: its type, its range, its place in the
 * struct.
 */
#include "config.h"

#include "job/field.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* One value on its way into a field. */
struct store {
    struct moe_err *err;
    const struct job_source *source;
    const struct job_field *field;
    struct job_spec *spec;
};

static int
no_memory(const struct store *s)
{
    return moe_fail(s->err, MOE_ENOMEM, "%s: out of memory", s->source->name);
}

static const char *
describe(const struct job_node *node)
{
    static const char *const words[] = {[JOB_NULL] = "nothing",
                                        [JOB_SCALAR] = "a value",
                                        [JOB_LIST] = "a list",
                                        [JOB_MAP] = "a map"};
    return node->kind == JOB_SCALAR ? node->text : words[node->kind];
}

/* "'x' found, 1 to 1048576 tokens allowed". */
static int
wrong(const struct store *s, const struct job_node *node)
{
    struct str allowed = {0};
    job_field_allowed(&allowed, s->field);
    int rc = job_node_fail(s->err, s->source, node, s->field->name,
                           "'%.80s' found, %s allowed", describe(node),
                           allowed.failed ? "" : allowed.s);
    str_free(&allowed);
    return rc;
}

static int
take_string(const struct store *s, const struct job_node *node, char **out,
            size_t max)
{
    if (node->kind != JOB_SCALAR || !node->text[0])
        return wrong(s, node);
    size_t n = strlen(node->text);
    if (n > max)
        return job_node_fail(s->err, s->source, node, s->field->name,
                             "%zu bytes, at most %zu allowed", n, max);
    char *copy = str_copy(node->text);
    if (!copy)
        return no_memory(s);
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
        return wrong(s, node);
    *(int64_t *)job_field_at(s->field, s->spec) = x;
    return MOE_OK;
}

/* A finite decimal number, "1e-4"; what strtod() also takes, hexadecimal and
 * infinite ones, is no number here. */
static bool
real_number(double *out, const struct job_node *node)
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
    if (!real_number(&x, node) || x < s->field->low || x > s->field->high)
        return wrong(s, node);
    *(double *)job_field_at(s->field, s->spec) = x;
    return MOE_OK;
}

static int
add_share(const struct store *s, const struct job_node *node,
          struct job_shares *list)
{
    double x;
    size_t cap = list->cap;
    if (!real_number(&x, node) || !(x > 0))
        return job_node_fail(s->err, s->source, node, s->field->name,
                             "%s: '%.80s' found, a positive number allowed",
                             node->key, describe(node));
    char **names = mem_grow(list->name, &cap, list->n + 1, sizeof *names);
    if (names)
        list->name = names;
    double *values =
        mem_grow(list->value, &list->cap, list->n + 1, sizeof *values);
    if (values)
        list->value = values;
    char *copy = names && values ? str_copy(node->key) : NULL;
    if (!copy)
        return no_memory(s);
    list->name[list->n] = copy;
    list->value[list->n++] = x;
    return MOE_OK;
}

static int
take_shares(const struct store *s, const struct job_node *node)
{
    struct job_shares *out = job_field_at(s->field, s->spec), list = {0};
    int rc = node->kind == JOB_MAP && node->n ? MOE_OK : wrong(s, node);
    for (size_t i = 0; !rc && i < node->n; i++)
        rc = add_share(s, &node->child[i], &list);
    if (rc) {
        job_shares_free(&list);
        return rc;
    }
    job_shares_free(out);
    *out = list;
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
        return wrong(s, node);
    *(bool *)job_field_at(s->field, s->spec) = yes;
    return MOE_OK;
}

static int
take_enum(const struct store *s, const struct job_node *node)
{
    const char *word = s->field->words;
    if (node->kind != JOB_SCALAR)
        return wrong(s, node);
    for (int i = 0; *word; i++) {
        size_t n = strcspn(word, "|");
        if (n == strlen(node->text) && memcmp(word, node->text, n) == 0) {
            *(int *)job_field_at(s->field, s->spec) = i;
            return MOE_OK;
        }
        word += n + (word[n] == '|');
    }
    return wrong(s, node);
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
                         describe(node), s->field->max / 86400);
}

static int
add_string(const struct store *s, const struct job_node *node,
           struct job_strings *list, size_t max)
{
    char *text = NULL;
    if (list->n >= JOB_LIST_MAX)
        return job_node_fail(s->err, s->source, node, s->field->name,
                             "more than %zu entries", list->n);
    int rc = take_string(s, node, &text, max);
    if (!rc && !job_strings_add(list, text))
        rc = no_memory(s);
    free(text);
    return rc;
}

/* A text or a list of texts. */
static int
take_strings(const struct store *s, const struct job_node *node,
             struct job_strings *out, size_t max)
{
    struct job_strings list = {0};
    int rc = MOE_OK;
    if (node->kind == JOB_LIST)
        for (size_t i = 0; !rc && i < node->n; i++)
            rc = add_string(s, &node->child[i], &list, max);
    else
        rc = add_string(s, node, &list, max);
    if (rc) {
        job_strings_free(&list);
        return rc;
    }
    job_strings_free(out);
    *out = list;
    return MOE_OK;
}

static int
take_language(const struct store *s, const struct job_node *node,
              struct job_data *data)
{
    if (!node->key[0] || strlen(node->key) > JOB_NAME_BYTES)
        return job_node_fail(s->err, s->source, node, s->field->name,
                             "a language's name has 1 to %d bytes",
                             JOB_NAME_BYTES);
    if (data->n >= JOB_LANGUAGES_MAX)
        return job_node_fail(s->err, s->source, node, s->field->name,
                             "more than %d languages", JOB_LANGUAGES_MAX);
    struct job_language *language = job_data_add(data, node->key);
    if (!language)
        return no_memory(s);
    int rc = take_strings(s, node, &language->files, JOB_PATH_BYTES);
    if (!rc && !language->files.n)
        rc = job_node_fail(s->err, s->source, node, s->field->name,
                           "%s has no file", node->key);
    return rc;
}

static int
take_data(const struct store *s, const struct job_node *node)
{
    struct job_data *out = job_field_at(s->field, s->spec), data = {0};
    int rc = MOE_OK;
    if (node->kind == JOB_MAP)
        for (size_t i = 0; !rc && i < node->n; i++)
            rc = take_language(s, &node->child[i], &data);
    else
        rc = take_string(s, node, &data.directory, JOB_PATH_BYTES);
    if (!rc && node->kind == JOB_MAP && !node->n)
        rc = wrong(s, node);
    if (rc) {
        job_data_free(&data);
        return rc;
    }
    job_data_free(out);
    *out = data;
    return MOE_OK;
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
        return take_string(&s, node, at, (size_t)field->max);
    case JOB_PATH:
        return take_string(&s, node, at, JOB_PATH_BYTES);
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
        return take_strings(&s, node, at, JOB_NAME_BYTES);
    case JOB_DATA:
        return take_data(&s, node);
    case JOB_SHARES:
        return take_shares(&s, node);
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
