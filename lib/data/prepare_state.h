/*
 * prepare_state.h - what the files of corpus preparation share.
 */
#ifndef DATA_PREPARE_STATE_H
#define DATA_PREPARE_STATE_H

#include <stdbool.h>

#include "data/prepare.h"
#include "data/rotate.h"
#include "data/text.h"

struct prepare_source {
    const char *path;
    uint64_t documents; // used
    uint64_t empty, replaced;
};

/* The documents of a language's files, one at a time. */
struct prepare_reader {
    const char *name;
    struct prepare_source *source;
    size_t sources, cap;
    size_t next; // source[next - 1] is open
    struct text_reader *text;
    struct text_document doc; // the next document, while `has`
    bool has;
    uint64_t train, tokens; // of what is trained on
    struct rotate held, out;
};

/* Readers of all languages of a list; *out is for prepare_close(). */
int prepare_open(struct moe_err *err, struct prepare_reader **out, size_t *n,
                 const struct prepare_file *file, size_t files);
void prepare_close(struct prepare_reader **rp, size_t n);

/* Go to the next document, of the next file where one ends. */
int prepare_advance(struct moe_err *err, struct prepare_reader *r,
                    const struct prepare_options *opt);

/* The document at hand as a record "NAME_n" on one line, and counted; with
 * `keep`, one that says its language stays as it is.  The caller frees it. */
int prepare_line(struct moe_err *err, char **line, struct prepare_reader *r,
                 uint64_t n, bool keep);
/* The same into a file. */
int prepare_write(struct moe_err *err, struct rotate *to,
                  struct prepare_reader *r, uint64_t n);

/* Make the directory, and remove the manifest of an earlier corpus. */
int prepare_begin(struct moe_err *err, const struct prepare_options *opt);

/* Append the files of a series, or the sources of readers, to a list. */
void prepare_list_files(json_t *list, const struct rotate *r,
                        const char *language, const char *part);
int prepare_list_sources(struct moe_err *err, json_t *list,
                         const struct prepare_reader *r, size_t n);

/* Write the manifest, which is taken over, and hand it to *out unless NULL. */
int prepare_end(struct moe_err *err, json_t **out, json_t *manifest,
                const struct prepare_options *opt);

#endif
