/*
 * spec_table.c - the fields of a job spec, each declared once, in the
 * fields_*.inc of the kinds that have it.
 */
#include "config.h"

#include "job/field.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"

/* Sets of kinds. */
#define ANALYZE  (1u << JOB_ANALYZE)
#define PRETRAIN (1u << JOB_PRETRAIN)
#define ADAPT    (1u << JOB_ADAPT)
#define TRAIN    (PRETRAIN | ADAPT)
#define EVALUATE (1u << JOB_EVALUATE)
#define CHOOSE   (1u << JOB_CHOOSE)
#define TEXT     (ANALYZE | TRAIN)
#define READS    (TEXT | EVALUATE)
#define STEER    (ANALYZE | EVALUATE)

#define AT(field) offsetof(struct job_spec, field)
#define IN(field) offsetof(struct job_spec, train.field)
#define ST(field) offsetof(struct job_spec, steer.field)
#define AD(field) offsetof(struct job_spec, adapt.field)
#define EV(field) offsetof(struct job_spec, eval.field)
#define OF(field) offsetof(struct job_spec, measures.field)

static const int64_t YEAR_S = 366 * 86400;

/* clang-format off */
const struct job_field job_fields[] = {
#include "job/fields_job.inc"
#include "job/fields_text.inc"
#include "job/fields_steer.inc"
#include "job/fields_analyze.inc"
#include "job/fields_train.inc"
#include "job/fields_adapt.inc"
#include "job/fields_evaluate.inc"
#include "job/fields_choose.inc"
    {.name = NULL},
};
/* clang-format on */

const char *
job_type_name(enum job_type type)
{
    static const char *const names[] = {
        [JOB_STRING] = "text",        [JOB_PATH] = "path",
        [JOB_INT] = "whole number",   [JOB_BOOL] = "true or false",
        [JOB_ENUM] = "word",          [JOB_DURATION] = "duration",
        [JOB_NAMES] = "names",        [JOB_DATA] = "files",
        [JOB_REAL] = "number",        [JOB_SHARES] = "numbers",
        [JOB_PAIRS] = "map of names", [JOB_PATHS] = "paths"};
    return names[type];
}

const struct job_field *
job_field_find(const char *name, unsigned kinds)
{
    for (const struct job_field *f = job_fields; f->name; f++)
        if ((f->kinds & kinds) && strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

size_t
job_field_word(const struct job_field *field, int value, const char **word)
{
    const char *at = field->words;
    for (; value > 0; value--)
        at += strcspn(at, "|") + 1;
    *word = at;
    return strcspn(at, "|");
}

bool
job_field_given(const struct job_field *field, const struct job_spec *spec)
{
    const void *at = job_field_at(field, spec);
    if (!(field->kinds & (1u << spec->kind)))
        return false;
    switch (field->type) {
    case JOB_STRING:
    case JOB_PATH:
        return *(char *const *)at != NULL;
    case JOB_NAMES:
    case JOB_PATHS:
        return ((const struct job_strings *)at)->n != 0;
    case JOB_SHARES:
        return ((const struct job_shares *)at)->n != 0;
    case JOB_PAIRS:
        return ((const struct job_pairs *)at)->n != 0;
    case JOB_DATA:
        return field->required || ((const struct job_data *)at)->n != 0 ||
               ((const struct job_data *)at)->directory != NULL;
    default:
        return true;
    }
}

void
job_field_allowed(struct str *out, const struct job_field *field)
{
    if (field->words)
        str_puts(out, field->words);
    else if (field->type == JOB_INT)
        str_printf(out, "%" PRId64 " to %" PRId64, field->min, field->max);
    else if (field->type == JOB_REAL)
        str_printf(out, "%g to %g", field->low, field->high);
    else
        str_puts(out, job_type_name(field->type));
    if (field->unit)
        str_printf(out, " %s", field->unit);
}

void
job_fields_help(struct str *out)
{
    for (const struct job_field *f = job_fields; f->name; f++) {
        str_printf(out, "  %-14s ", f->name);
        str_puts(out, f->text);
        str_puts(out, " (");
        job_field_allowed(out, f);
        if (f->deflt)
            str_printf(out, "; default %s", f->deflt);
        str_puts(out, f->required ? "; required)\n" : ")\n");
    }
}
