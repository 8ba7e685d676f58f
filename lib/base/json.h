/*
 * json.h - jansson with our errors: duplicates refused, place named.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include <polymoe/error.h>

/*
 * Parse a document; `name` stands in the error ("NAME:LINE: words").
 * The caller owns *out.  MOE_EFORMAT, MOE_EINPUT, MOE_ENOMEM.
 */
int json_parse(struct moe_err *err, json_t **out, const char *text, size_t n,
               const char *name);
int json_read(struct moe_err *err, json_t **out, const char *path);

/* Write a document to a file by rename, indented, keys in insertion order. */
int json_write(struct moe_err *err, const json_t *root, const char *path);

/*
 * The same in one line, with a member "sha256" over all others, which is looked
 * at when the file is read: one in which a digit changed does not pass
 * (MOE_EFORMAT). root is an object; writing adds the member to it.
 */
int json_write_sealed(struct moe_err *err, json_t *root, const char *path);
int json_read_sealed(struct moe_err *err, json_t **out, const char *path);

#endif
