/*
 * store.h - what the files share that put one value into a field.
 */
#ifndef JOB_STORE_H
#define JOB_STORE_H

#include "job/field.h"

/* One value on its way into a field. */
struct store {
    struct moe_err *err;
    const struct job_source *source;
    const struct job_field *field;
    struct job_spec *spec;
};

int store_no_memory(const struct store *s);

/* What was found, in a word: the text of a scalar, else its kind. */
const char *store_describe(const struct job_node *node);

/* "'x' found, 1 to 1048576 tokens allowed". */
int store_wrong(const struct store *s, const struct job_node *node);

/* A text of at most `max` bytes, in place of *out. */
int store_string(const struct store *s, const struct job_node *node, char **out,
                 size_t max);

/* A finite decimal number, "1e-4"; what strtod() also takes, hexadecimal and
 * infinite ones, is no number here. */
bool store_real_number(double *out, const struct job_node *node);

/* ---- spec_lists.c ------------------------------------------------------- */

/* A text or a list of texts. */
int store_strings(const struct store *s, const struct job_node *node,
                  struct job_strings *out, size_t max);
int store_data(const struct store *s, const struct job_node *node);
int store_shares(const struct store *s, const struct job_node *node);
int store_pairs(const struct store *s, const struct job_node *node);

#endif
