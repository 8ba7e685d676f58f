/*
 * results.h - the tables of a job, shortened for people.
 */
#ifndef CLIENT_RESULTS_H
#define CLIENT_RESULTS_H

#include <stdbool.h>
#include <stdio.h>

#include <polymoe/error.h>

/*
 * Print what matters of OUT/results: entropy of the last layer per language,
 * the pairs of languages that differ most, specialisation per layer.
 *
 * A table that the job did not write is left out; MOE_EINPUT and MOE_EFORMAT
 * for one that cannot be read.
 */
int results_print(struct moe_err *err, FILE *f, const char *out_dir);

/* Whether there is anything to print. */
bool results_any(const char *out_dir);

#endif
