/*
 * options.h - command-line options as a table: parsing, --help and the check
 * against the manual all read the same rows.
 *
 *     static const struct option_row rows[] = {
 *         {'o', "out", "DIR", "write results there", OPTION_STRING,
 *          offsetof(struct my, out)},
 *         {0, "json", NULL, "print JSON", OPTION_FLAG,
 *          offsetof(struct my, json)},
 *         {0}};
 *     static const struct option_set set = {
 *         "polymoe tokenize", "[OPTION...] FILE...",
 *         "Turn text into token shards.", rows};
 *     int rc = options_parse(&set, &my, argc, argv, &first);
 *
 * --help, -h, --version and -V are in every set and need no row.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stddef.h>

/* What a row's field is: bool, const char *, int64_t, double, or a struct
 * option_list that collects every occurrence. */
enum option_kind {
    OPTION_FLAG,
    OPTION_STRING,
    OPTION_INT,
    OPTION_DOUBLE,
    OPTION_LIST
};

struct option_row {
    char letter;          // 0: no short form
    const char *name;     // long name without dashes; NULL ends the table
    const char *argument; // its word in --help, NULL for a flag
    const char *help;     // one line, lower case, no full stop
    enum option_kind kind;
    size_t offset;   // of the field in the caller's struct
    double min, max; // range of a number; both 0: any
};

struct option_list {
    const char **value; // borrowed from argv; the array is freed by
    size_t n, cap;      // option_list_free()
};
void option_list_free(struct option_list *list);

struct option_set {
    const char *program;  // "polymoe submit"
    const char *operands; // "[OPTION...] SPEC"
    const char *summary;  // one sentence
    const struct option_row *rows;
    const char *more; // text after the options, or NULL
};

/* options_parse() returns one of these, or an exit status >= 0 to end with:
 * 0 after --help and --version, 2 after a wrong use (already reported on
 * standard error). */
enum { OPTIONS_GO_ON = -1 };

/*
 * Parse argv[1..], store into fields, set *first to the first operand.
 *
 * Options may stand before or after operands; `--` ends them.  argv is
 * permuted so that the operands are argv[*first] .. argv[argc - 1].
 */
int options_parse(const struct option_set *set, void *fields, int argc,
                  char **argv, int *first);

/* "PROGRAM: message" and a hint at --help on standard error; returns 2. */
int options_usage_error(const struct option_set *set, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
