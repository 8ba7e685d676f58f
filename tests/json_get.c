/*
 * json_get.c - is standard input one JSON document, and what is in it?
 *
 *   json-get [-l] [KEY...]
 *
 * With -l every line is a document.  Prints the value under the keys, numbers
 * count in arrays, as compact JSON, of each document.  Ends with 1 and a
 * reason when the input is anything else, or has nothing there.
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static int
show(const json_t *value, char **key)
{
    const json_t *at = value;
    for (; *key && at; key++)
        at = json_is_array(at)
                 ? json_array_get(at, (size_t)strtoul(*key, NULL, 10))
                 : json_object_get(at, *key);
    if (!at) {
        fprintf(stderr, "json-get: nothing at '%s'\n", key[-1]);
        return 1;
    }
    json_dumpf(at, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
    putchar('\n');
    return 0;
}

static int
take(json_t *value, const json_error_t *e, char **keys)
{
    int rc = value ? show(value, keys) : 1;
    if (!value)
        fprintf(stderr, "json-get: line %d: %s\n", e->line, e->text);
    json_decref(value);
    return rc;
}

static int
take_lines(char **keys)
{
    static char line[1 << 20];
    json_error_t e;
    int rc = 0, n = 0;
    for (; !rc && fgets(line, sizeof line, stdin); n++)
        rc = take(json_loads(line, JSON_REJECT_DUPLICATES, &e), &e, keys);
    return n ? rc : 1;
}

int
main(int argc, char **argv)
{
    json_error_t e;
    if (argc > 1 && strcmp(argv[1], "-l") == 0)
        return take_lines(argv + 2);
    return take(json_loadf(stdin, JSON_REJECT_DUPLICATES, &e), &e, argv + 1);
}
