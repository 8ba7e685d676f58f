/*
 * verb_report.c - polymoe report: the results of a job, from its folder alone.
 */
#include "config.h"

#include "client/client.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/options.h"
#include "base/str.h"
#include "client/results.h"

struct report_options {
    bool json;
};

static const struct option_row rows[] = {
    {'j', "json", NULL, "print every table as one JSON document", OPTION_FLAG,
     offsetof(struct report_options, json), 0, 0},
    {0, NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0}};

/* A cell as a number where it is one, null where it is empty. */
static json_t *
cell_value(const struct csv_table *t, size_t row, size_t column)
{
    const char *text = csv_cell(t, row, column);
    char *end;
    if (!*text)
        return json_null();
    double x = strtod(text, &end);
    if (*end || !isfinite(x))
        return json_string(text);
    if (x == floor(x) && fabs(x) < 0x1p53)
        return json_integer((json_int_t)x);
    return json_real(x);
}

static json_t *
table_value(const struct csv_table *t)
{
    json_t *list = json_array();
    for (size_t r = 0; r < t->rows; r++) {
        json_t *row = json_object();
        for (size_t c = 0; c < t->columns; c++)
            json_object_set_new(row, t->header[c], cell_value(t, r, c));
        json_array_append_new(list, row);
    }
    return list;
}

/* {"schema": 1, "tables": {"entropy": [{"language": ...}, ...], ...}}. */
static int
print_json(struct moe_err *err, const char *dir, char **names, size_t n)
{
    json_t *tables = json_object();
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < n; i++) {
        struct csv_table t;
        char *path = str_format("%s/%s", dir, names[i]);
        rc = path ? csv_read(err, &t, path)
                  : moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
        if (!rc) {
            names[i][strlen(names[i]) - strlen(".csv")] = '\0';
            json_object_set_new(tables, names[i], table_value(&t));
            csv_table_free(&t);
        }
        free(path);
    }
    json_t *root = json_pack("{s:i, s:o}", "schema", 1, "tables", tables);
    char *text = rc || !root ? NULL : json_dumps(root, JSON_INDENT(1));
    if (text)
        puts(text);
    else if (!rc)
        rc = moe_fail(err, MOE_ENOMEM, "%s: out of memory", dir);
    free(text);
    json_decref(root);
    return rc;
}

static int
report(struct moe_err *err, const char *out_dir, bool json)
{
    char **names, *dir = str_path(out_dir, "results");
    size_t n;
    if (!dir)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", out_dir);
    int rc = fs_list(err, &names, &n, dir, ".csv");
    if (!rc && n == 0)
        rc = moe_fail(err, MOE_EINPUT, "%s: no tables (*.csv) found", dir);
    if (!rc)
        rc = json ? print_json(err, dir, names, n)
                  : results_print(err, stdout, out_dir);
    if (!rc && !json)
        printf("\nEvery table: %s\n", dir);
    if (n)
        fs_list_free(names, n);
    free(dir);
    return rc;
}

int
verb_report(int argc, char **argv)
{
    static const struct option_set set = {
        "polymoe report", "[OPTION...] DIR",
        "Show the tables that a job left in its folder.", rows, NULL};
    struct report_options opt = {0};
    struct moe_err err = {0};
    int first, rc = options_parse(&set, &opt, argc, argv, &first);
    if (rc == OPTIONS_GO_ON && argc - first != 1)
        rc = options_usage_error(&set, "one DIR is wanted");
    if (rc != OPTIONS_GO_ON)
        return rc;
    return report(&err, argv[first], opt.json) ? verb_fail("report", &err) : 0;
}
