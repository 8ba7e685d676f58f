/*
 * adaptations.h - what adaptations among some jobs bought, for people and for
 * programs.
 */
#ifndef CLIENT_ADAPTATIONS_H
#define CLIENT_ADAPTATIONS_H

#include <stdio.h>

#include <jansson.h>

#include <polymoe/error.h>

/* A table and the paired tests in words; nothing where no job is an adaptation
 * with held-out text.  A folder that cannot be read is none. */
int adaptations_print(struct moe_err *err, FILE *f, const char *const *dir,
                      size_t n);

/* {"best": [a row of the table, ...], "tests": [...]} in *out, which is NULL
 * where there is no adaptation. */
int adaptations_json(struct moe_err *err, json_t **out, const char *const *dir,
                     size_t n);

#endif
