/*
 * options.c - command-line options as a table, over getopt_long.
 */
#include "config.h"

#include "base/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* getopt_long's values: a row's index above every letter. */
enum { ROW_BASE = 0x1000, MAX_ROWS = 64, HELP_COLUMN = 28 };

static const struct option_row common_rows[] = {
    {'h', "help", NULL, "show this help and exit", OPTION_FLAG, 0, 0, 0},
    {'V', "version", NULL, "show the version and exit", OPTION_FLAG, 0, 0, 0},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};

static size_t
count_rows(const struct option_row *rows)
{
    size_t n = 0;
    while (rows && rows[n].name)
        n++;
    return n;
}

static void
print_row(const struct option_row *row)
{
    char left[80];
    int n = row->letter ? snprintf(left, sizeof left, "  -%c, --%s",
                                   row->letter, row->name)
                        : snprintf(left, sizeof left, "      --%s", row->name);
    if (row->argument)
        n += snprintf(left + n, sizeof left - (size_t)n, "=%s", row->argument);
    if (n < HELP_COLUMN)
        printf("%-*s%s\n", HELP_COLUMN, left, row->help);
    else
        printf("%s\n%*s%s\n", left, HELP_COLUMN, "", row->help);
}

static void
print_help(const struct option_set *set)
{
    printf("Usage: %s %s\n%s\n\nOptions:\n", set->program, set->operands,
           set->summary);
    for (size_t i = 0; i < count_rows(set->rows); i++)
        print_row(&set->rows[i]);
    for (size_t i = 0; i < count_rows(common_rows); i++)
        print_row(&common_rows[i]);
    if (set->more)
        printf("\n%s", set->more);
    printf("\nReport bugs to <%s>.\n", PACKAGE_BUGREPORT);
}

static void
print_version(const struct option_set *set)
{
    printf("%.*s (polymoe) %s\n"
           "Licence Apache-2.0.  There is no warranty, to the extent permitted "
           "by law.\n",
           (int)strcspn(set->program, " "), set->program, PACKAGE_VERSION);
}

int
options_usage_error(const struct option_set *set, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "%s: ", set->program);
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\nTry '%s --help'.\n", set->program);
    va_end(ap);
    return 2;
}

static bool
in_range(const struct option_row *row, double x)
{
    return (row->min == 0 && row->max == 0) || (x >= row->min && x <= row->max);
}

/* "--window: 'x' is not a whole number from 1 to 1048576". */
static int
bad_number(const struct option_set *set, const struct option_row *row,
           const char *text)
{
    const char *what = row->kind == OPTION_INT ? "whole number" : "number";
    if (row->min == 0 && row->max == 0)
        return options_usage_error(set, "--%s: '%s' is not a %s", row->name,
                                   text, what);
    return options_usage_error(set,
                               "--%s: '%s' is not a %s from %.15g to %.15g",
                               row->name, text, what, row->min, row->max);
}

static bool
list_add(struct option_list *list, const char *value)
{
    const char **grown =
        mem_grow(list->value, &list->cap, list->n + 1, sizeof *grown);
    if (!grown)
        return false;
    list->value = grown;
    list->value[list->n++] = value;
    return true;
}

void
option_list_free(struct option_list *list)
{
    free(list->value);
    *list = (struct option_list){0};
}

static int
store(const struct option_set *set, const struct option_row *row, void *fields,
      const char *text)
{
    char *at = (char *)fields + row->offset, *end = NULL;
    errno = 0;
    if (row->kind == OPTION_FLAG)
        *(bool *)at = true;
    else if (row->kind == OPTION_STRING)
        *(const char **)at = text;
    else if (row->kind == OPTION_LIST) {
        if (!list_add((struct option_list *)at, text))
            return options_usage_error(set, "out of memory");
    } else if (row->kind == OPTION_INT) {
        long long x = strtoll(text, &end, 10);
        if (end == text || *end || errno || !in_range(row, (double)x))
            return bad_number(set, row, text);
        *(int64_t *)at = x;
    } else {
        double x = strtod(text, &end);
        if (end == text || *end || errno || !in_range(row, x))
            return bad_number(set, row, text);
        *(double *)at = x;
    }
    return OPTIONS_GO_ON;
}

/* One getopt_long table from the set's rows and the common ones. */
struct getopt_tables {
    struct option longs[MAX_ROWS + 1];
    const struct option_row *row[MAX_ROWS];
    char shorts[2 * MAX_ROWS + 2];
};

static void
fill_tables(struct getopt_tables *t, const struct option_set *set)
{
    size_t n = 0, s = 0;
    memset(t, 0, sizeof *t);
    t->shorts[s++] = ':'; // report errors ourselves
    const struct option_row *tables[] = {set->rows, common_rows};
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < count_rows(tables[k]) && n < MAX_ROWS; i++) {
            const struct option_row *row = &tables[k][i];
            int has = row->argument ? required_argument : no_argument;
            t->longs[n] =
                (struct option){row->name, has, NULL, ROW_BASE + (int)n};
            t->row[n++] = row;
            if (row->letter) {
                t->shorts[s++] = row->letter;
                if (row->argument)
                    t->shorts[s++] = ':';
            }
        }
}

static const struct option_row *
find_row(const struct getopt_tables *t, int c)
{
    if (c >= ROW_BASE)
        return t->row[c - ROW_BASE];
    for (size_t i = 0; i < MAX_ROWS && t->row[i]; i++)
        if (t->row[i]->letter == c)
            return t->row[i];
    return NULL;
}

int
options_parse(const struct option_set *set, void *fields, int argc, char **argv,
              int *first)
{
    struct getopt_tables t;
    fill_tables(&t, set);
    optind = 1;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1;) {
        const char *word = argv[optind - 1];
        if (c == '?')
            return options_usage_error(set, "unknown option '%s'", word);
        if (c == ':')
            return options_usage_error(set, "option '%s' needs an argument",
                                       word);
        const struct option_row *row = find_row(&t, c);
        if (row == &common_rows[0]) {
            print_help(set);
            return 0;
        }
        if (row == &common_rows[1]) {
            print_version(set);
            return 0;
        }
        int rc = store(set, row, fields, optarg);
        if (rc != OPTIONS_GO_ON)
            return rc;
    }
    *first = optind;
    return OPTIONS_GO_ON;
}
