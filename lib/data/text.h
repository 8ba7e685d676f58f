/*
 * text.h - the documents of a text file, one at a time.
 *
 * .txt holds plain text, .jsonl one JSON object a line with the text under
 * `text`; either may be compressed, .gz or .zst.  What is not clean has one
 * outcome each, and is counted:
 *
 *   a byte order mark at the start    left out
 *   CR LF                             read as LF
 *   malformed UTF-8                   U+FFFD for each maximal part
 *   a document without a character    passed over
 *   no line end after the last line   nothing is lost
 *   a blank line of JSON Lines        passed over
 *   a line that is not JSON, or has
 *   no string under `text`            MOE_EFORMAT, "FILE:LINE: ..."
 */
#ifndef DATA_TEXT_H
#define DATA_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <polymoe/error.h>

enum text_documents {
    TEXT_LINE,  // every line is one
    TEXT_BLANK, // blank lines stand between two; lines are joined by LF
    TEXT_FILE   // the whole file is one, line feeds included
};

/* A zeroed struct means all defaults. */
struct text_options {
    enum text_documents documents; // of plain text
    size_t limit;                  // largest document in bytes; 0: TEXT_LIMIT
};

#define TEXT_LIMIT ((size_t)1 << 30)

struct text_counts {
    uint64_t documents; // given out
    uint64_t empty;     // passed over
    uint64_t bytes;     // of UTF-8 given out
    uint64_t replaced;  // malformed sequences
    uint64_t bom, crlf;
};

struct json_t;

/* Lives until the next call. */
struct text_document {
    const char *text; // well-formed UTF-8
    size_t n;         // at least 1
    uint64_t line;    // where it begins, from 1
    const char *id;   // of a JSON object with a string under `id`, or NULL
    const struct json_t *object; // the whole of a JSON line, or NULL
};

struct text_reader;

/* MOE_EINPUT; MOE_EFORMAT for a name with another ending. */
int text_open(struct moe_err *err, struct text_reader **out, const char *path,
              const struct text_options *opt);
void text_close(struct text_reader **rp);

/* 1 and a document, 0 at the end, or a code. */
int text_next(struct moe_err *err, struct text_reader *r,
              struct text_document *doc);

const struct text_counts *text_counts(const struct text_reader *r);

/* Bytes of the file, as it lies on disk, read so far. */
uint64_t text_position(const struct text_reader *r);

/* Whether a name ends as a text file's does. */
bool text_is_name(const char *path);

#endif
