/*
 * field.h - what the files of the spec share: one field of the table against
 * one value.
 */
#ifndef JOB_FIELD_H
#define JOB_FIELD_H

#include "job/node.h"
#include "job/spec.h"

/* Text lengths and counts of any spec. */
enum {
    JOB_NAME_BYTES = 200,
    JOB_PATH_BYTES = 4095,
    JOB_LIST_MAX = 4096,
    JOB_LANGUAGES_MAX = 1000
};

static inline void *
job_field_at(const struct job_field *field, const struct job_spec *spec)
{
    return (char *)(uintptr_t)spec + field->offset;
}

/* The row of that name that some of the kinds have, or NULL. */
const struct job_field *job_field_find(const char *name, unsigned kinds);

/* Have some of the kinds a field of that name, or a map of fields? */
bool job_field_known(const char *name, unsigned kinds);

/* "line|blank|file", "1 to 1048576 tokens", or the type's name. */
void job_field_allowed(struct str *out, const struct job_field *field);

/* The word of an enumeration's value: its start and its length. */
size_t job_field_word(const struct job_field *field, int value,
                      const char **word);

/* Is it a field of the spec's kind, with a value? */
bool job_field_given(const struct job_field *field,
                     const struct job_spec *spec);

/* Check a value and put it into its field, in place of what is there. */
int job_field_store(struct moe_err *err, const struct job_source *source,
                    const struct job_field *field, const struct job_node *node,
                    struct job_spec *spec);

/* Put the field's default. */
int job_field_default(struct moe_err *err, const struct job_field *field,
                      struct job_spec *spec);

/* Release what the field holds and zero it. */
void job_field_clear(const struct job_field *field, struct job_spec *spec);

/* Make the paths of a field absolute, relative ones taken from `dir`. */
int job_field_absolute(struct moe_err *err, const struct job_field *field,
                       struct job_spec *spec, const char *dir);

/* The files to train on that a manifest of polymoe prepare names, into an
 * empty *found, which is the caller's also after a failure. */
int job_data_manifest(struct moe_err *err, struct job_data *found,
                      const char *path);

/* Every field of a map into a zeroed spec, defaults and required fields seen
 * to.  The spec is empty after a failure. */
int job_spec_bind(struct moe_err *err, const struct job_source *source,
                  const struct job_node *map, struct job_spec *spec);

/* A file's text, its name without directory and ending, as a job's name. */
char *job_stem(const char *path);

bool job_strings_add(struct job_strings *list, const char *s);
void job_strings_free(struct job_strings *list);
void job_data_free(struct job_data *data);
void job_shares_free(struct job_shares *shares);
void job_pairs_free(struct job_pairs *pairs);

/* A new language without files, or NULL. */
struct job_language *job_data_add(struct job_data *data, const char *name);

#endif
