/*
 * verb_report.c - polymoe report: the results of jobs, from their folders
 * alone: tables on standard output, figures and a page as files.
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
#include "client/adaptations.h"
#include "client/results.h"
#include "report/report.h"

struct verb_options {
    bool json, tables;
    struct report_options report;
};

static const struct option_row rows[] = {
    {'o', "out", "DIR", "write report.html and figures/ there", OPTION_STRING,
     offsetof(struct verb_options, report.out), 0, 0},
    {'t', "title", "TEXT", "what the page is called", OPTION_STRING,
     offsetof(struct verb_options, report.title), 0, 0},
    {0, "no-figures", NULL, "write no files of figures, only the page",
     OPTION_FLAG, offsetof(struct verb_options, report.no_figures), 0, 0},
    {0, "tables", NULL, "only print the tables, write no file", OPTION_FLAG,
     offsetof(struct verb_options, tables), 0, 0},
    {'j', "json", NULL, "print every table as one JSON document, write no file",
     OPTION_FLAG, offsetof(struct verb_options, json), 0, 0},
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

/* {"entropy": [{"language": ...}, ...], ...} of the files names[0..n). */
static int
tables_value(struct moe_err *err, json_t *tables, const char *dir, char **names,
             size_t n)
{
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
    return rc;
}

/* The tables of OUT_DIR/results; MOE_EINPUT when there is none. */
static int
find_tables(struct moe_err *err, char **dir, char ***names, size_t *n,
            const char *out_dir)
{
    *n = 0;
    *dir = str_path(out_dir, "results");
    if (!*dir)
        return moe_fail(err, MOE_ENOMEM, "%s: out of memory", out_dir);
    int rc = fs_list(err, names, n, *dir, ".csv");
    return rc || *n
               ? rc
               : moe_fail(err, MOE_EINPUT, "%s: no tables (*.csv) found", *dir);
}

static int
print_json(struct moe_err *err, json_t *root)
{
    char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    if (text)
        puts(text);
    int rc = text ? MOE_OK : moe_fail(err, MOE_ENOMEM, "out of memory");
    free(text);
    json_decref(root);
    return rc;
}

/* {"schema": 1, "tables": {...}}; of several folders
 * {"schema": 1, "reports": [{"dir": ..., "tables": {...}}, ...]}; with
 * adaptations among them also their summary. */
static int
all_json(struct moe_err *err, char **out_dir, size_t n)
{
    json_t *reports = json_array(), *tables = NULL;
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < n; i++) {
        char *dir, **names;
        size_t found;
        tables = json_object();
        rc = find_tables(err, &dir, &names, &found, out_dir[i]);
        if (!rc)
            rc = tables_value(err, tables, dir, names, found);
        if (found)
            fs_list_free(names, found);
        free(dir);
        json_array_append_new(reports, json_pack("{s:s, s:o}", "dir",
                                                 out_dir[i], "tables", tables));
    }
    if (rc) {
        json_decref(reports);
        return rc;
    }
    json_t *adaptations = NULL;
    rc = adaptations_json(err, &adaptations, (const char *const *)out_dir, n);
    json_t *root =
        n == 1 ? json_pack("{s:i, s:O}", "schema", 1, "tables", tables)
               : json_pack("{s:i, s:O}", "schema", 1, "reports", reports);
    json_decref(reports);
    if (adaptations)
        json_object_set_new(root, "adaptations", adaptations);
    if (!rc)
        return print_json(err, root);
    json_decref(root);
    return rc;
}

static int
all_tables(struct moe_err *err, char **out_dir, size_t n)
{
    int rc = MOE_OK;
    for (size_t i = 0; !rc && i < n; i++) {
        char *dir, **names;
        size_t found;
        rc = find_tables(err, &dir, &names, &found, out_dir[i]);
        const bool any = !rc && results_any(out_dir[i]);
        if (any && n > 1)
            printf("%s%s\n\n", i ? "\n" : "", out_dir[i]);
        if (any)
            rc = results_print(err, stdout, out_dir[i]);
        if (!rc)
            printf("%sEvery table: %s\n", any ? "\n" : "", dir);
        if (found)
            fs_list_free(names, found);
        free(dir);
    }
    return rc ? rc
              : adaptations_print(err, stdout, (const char *const *)out_dir, n);
}

/* One report goes to its job's results, a comparison into a folder here. */
static int
all_files(struct moe_err *err, char **out_dir, size_t n,
          struct report_options opt)
{
    char *out = opt.out  ? str_copy(opt.out)
                : n == 1 ? str_path(out_dir[0], "results")
                         : str_copy("comparison");
    opt.out = out;
    int rc = out ? report_write(err, (const char *const *)out_dir, n, &opt)
                 : moe_fail(err, MOE_ENOMEM, "out of memory");
    if (!rc && !opt.no_figures)
        printf("Figures: %s/figures\n", out);
    if (!rc)
        printf("Report: %s/report.html\n", out);
    free(out);
    return rc;
}

int
verb_report(int argc, char **argv)
{
    static const struct option_set set = {
        "polymoe report", "[OPTION...] DIR...",
        "Show the tables that jobs left in their folders, and write figures "
        "and a page.",
        rows, NULL};
    struct verb_options opt = {0};
    struct moe_err err = {0};
    int first, rc = options_parse(&set, &opt, argc, argv, &first);
    if (rc == OPTIONS_GO_ON && argc == first)
        rc = options_usage_error(&set, "a DIR is wanted");
    if (rc != OPTIONS_GO_ON)
        return rc;
    const size_t n = (size_t)(argc - first);
    rc = opt.json ? all_json(&err, argv + first, n)
                  : all_tables(&err, argv + first, n);
    if (!rc && !opt.json && !opt.tables)
        rc = all_files(&err, argv + first, n, opt.report);
    return rc ? verb_fail("report", &err) : 0;
}
