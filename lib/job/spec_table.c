/*
 * spec_table.c - the fields of a job spec, each declared here and nowhere
 * else.
 */
#include "config.h"

#include "job/field.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"

/* Kind `analyze`. */
#define ANALYZE (1u << JOB_ANALYZE)

#define AT(field) offsetof(struct job_spec, field)

static const int64_t YEAR_S = 366 * 86400;

/* clang-format off */
const struct job_field job_fields[] = {
    {.name = "kind", .type = JOB_ENUM, .offset = AT(kind),
     .words = "analyze", .kinds = JOB_EVERY_KIND, .required = true,
     .text = "what the job does"},
    {.name = "name", .type = JOB_STRING, .offset = AT(name),
     .max = 200, .kinds = JOB_EVERY_KIND,
     .text = "what people call it; the file's name without its ending when "
             "not given"},
    {.name = "device", .type = JOB_STRING, .offset = AT(device),
     .max = 200, .kinds = JOB_EVERY_KIND,
     .text = "an index, cpu, gpu, vendor=NAME or a part of the device's name; "
             "the best device when not given"},
    {.name = "out", .type = JOB_PATH, .offset = AT(out),
     .kinds = JOB_EVERY_KIND,
     .text = "directory for the results, new or empty; chosen by the daemon "
             "or polymoe run when not given"},
    {.name = "priority", .type = JOB_INT, .offset = AT(priority),
     .deflt = "0", .min = -1000, .max = 1000, .kinds = JOB_EVERY_KIND,
     .text = "jobs of higher priority start earlier"},
    {.name = "time_limit", .type = JOB_DURATION, .offset = AT(time_limit_s),
     .deflt = "0", .min = 0, .max = YEAR_S, .kinds = JOB_EVERY_KIND,
     .text = "the job is stopped after this time; 0 is no limit"},
    {.name = "after", .type = JOB_NAMES, .offset = AT(after),
     .kinds = JOB_EVERY_KIND,
     .text = "jobs that must succeed before this one starts"},

    {.name = "model", .type = JOB_PATH, .offset = AT(model),
     .kinds = ANALYZE, .required = true,
     .text = "directory of a checkpoint in Hugging Face layout"},
    {.name = "data", .type = JOB_DATA, .offset = AT(data),
     .kinds = ANALYZE, .required = true,
     .text = "a map from language to a file or a list of files, or a "
             "directory with LANG.txt and the like, or a manifest.json of "
             "polymoe prepare"},
    {.name = "tokenizer", .type = JOB_PATH, .offset = AT(tokenizer),
     .kinds = ANALYZE,
     .text = "tokenizer.json for text files; the model's own when not given"},
    {.name = "eos", .type = JOB_INT, .offset = AT(eos),
     .deflt = "-1", .min = -1, .max = INT32_MAX, .kinds = ANALYZE,
     .text = "token put after each document; -1 takes eos_token_id of "
             "config.json"},
    {.name = "documents", .type = JOB_ENUM, .offset = AT(documents),
     .deflt = "line", .words = "line|blank|file", .kinds = ANALYZE,
     .text = "what is a document of a text file: each line, a block between "
             "blank lines, or the file"},
    {.name = "window", .type = JOB_INT, .offset = AT(window),
     .unit = "tokens", .deflt = "2048", .min = 1, .max = 1 << 20,
     .kinds = ANALYZE,
     .text = "length of the sequences that the text is cut into"},
    {.name = "max_tokens", .type = JOB_INT, .offset = AT(max_tokens),
     .unit = "tokens", .deflt = "1024000", .min = 1, .max = INT64_C(1) << 48,
     .kinds = ANALYZE,
     .text = "at most so many of each language"},
    {.name = "batch_tokens", .type = JOB_INT, .offset = AT(batch_tokens),
     .unit = "tokens", .deflt = "4096", .min = 1, .max = 1 << 24,
     .kinds = ANALYZE,
     .text = "in one forward pass, rounded to whole windows, at least one"},
    {.name = "compute", .type = JOB_ENUM, .offset = AT(compute),
     .deflt = "f32", .words = "f32", .kinds = ANALYZE,
     .text = "type that products are computed in"},
    {.name = "perplexity", .type = JOB_BOOL, .offset = AT(perplexity),
     .deflt = "false", .kinds = ANALYZE,
     .text = "also compute the loss, which needs the last experts and the "
             "head"},
    {.name = NULL},
};
/* clang-format on */

const char *
job_type_name(enum job_type type)
{
    static const char *const names[] = {
        [JOB_STRING] = "text",      [JOB_PATH] = "path",
        [JOB_INT] = "whole number", [JOB_BOOL] = "true or false",
        [JOB_ENUM] = "word",        [JOB_DURATION] = "duration",
        [JOB_NAMES] = "names",      [JOB_DATA] = "files"};
    return names[type];
}

const struct job_field *
job_field_find(const char *name)
{
    for (const struct job_field *f = job_fields; f->name; f++)
        if (strcmp(f->name, name) == 0)
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
        return ((const struct job_strings *)at)->n != 0;
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
    else
        str_puts(out, job_type_name(field->type));
    if (field->unit)
        str_printf(out, " %s", field->unit);
}

void
job_fields_help(struct str *out)
{
    for (const struct job_field *f = job_fields; f->name; f++) {
        str_printf(out, "  %-14s", f->name);
        str_puts(out, f->text);
        str_puts(out, " (");
        job_field_allowed(out, f);
        if (f->deflt)
            str_printf(out, "; default %s", f->deflt);
        str_puts(out, f->required ? "; required)\n" : ")\n");
    }
}
