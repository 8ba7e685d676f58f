/*
 * check_client.c - what the client shows: clean names, tables, the short form
 * of results.
 */
#include "config.h"

#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/fs.h"
#include "base/str.h"
#include "client/results.h"
#include "client/table.h"
#include "client/text.h"

static void
cleans(const char *from, const char *want)
{
    char *got = text_clean(from);
    ck_assert_str_eq(got, want);
    free(got);
}

START_TEST(names_cannot_drive_the_terminal)
{
    cleans("catal\xc3\xa0 \xe4\xb8\xad\xe6\x96\x87",
           "catal\xc3\xa0 "
           "\xe4\xb8\xad\xe6\x96\x87");
    cleans("a\nb\033[31mc\x7f", "a?b?[31mc?");
    cleans("\xc2\x9b"
           "31m",
           "?31m"); // an escape sequence in one C1 byte
    cleans("\xe2\x80\xae"
           "abc",
           "?abc"); // right to left from here on
    cleans("\xff\xc3", "??");
    ck_assert_uint_eq(text_width("\xe4\xb8\xad\xe6\x96\x87x"), 5);
    ck_assert_uint_eq(text_width("e\xcc\x81"), 1); // e and an accent
    ck_assert_uint_eq(text_fit("\xe4\xb8\xad\xe6\x96\x87", 3), 3);
}
END_TEST

/* What a function prints. */
static char *
printed(const struct table *t)
{
    struct moe_err err = {0};
    const char *path = support_path("printed");
    char *text;
    size_t n;
    FILE *f = fopen(path, "w");
    table_print(t, f);
    fclose(f);
    ck_ok(&err, fs_read(&err, &text, &n, path, 1 << 20));
    return text;
}

START_TEST(tables_line_up)
{
    struct table t = {0};
    table_column(&t, "name", TABLE_CUT);
    table_column(&t, "x", TABLE_RIGHT);
    table_column(&t, "why", TABLE_LEFT);
    table_cell(&t, "%s", "\xe4\xb8\xad");
    table_cell(&t, "%d", 123);
    table_cell(&t, "%s", "a\033b");
    table_cell(&t, "%s", "long name");
    table_cell(&t, "%d", 4);
    table_cell(&t, "%s", "");
    char *text = printed(&t);
    ck_assert_str_eq(text, "name         x  why\n"
                           "\xe4\xb8\xad         123  a?b\n"
                           "long name    4  \n");
    free(text);
    table_free(&t);
}
END_TEST

static void
put(const char *name, const char *text)
{
    struct moe_err err = {0};
    char *dir = str_path(support_dir(), "out/results");
    char *path = str_path(dir, name);
    ck_ok(&err, fs_mkdirs(&err, dir, 0777));
    support_write(path, text, strlen(text));
    free(path);
    free(dir);
}

static int
results(struct moe_err *err, char **text)
{
    size_t n;
    const char *path = support_path("printed");
    char *dir = str_path(support_dir(), "out");
    FILE *f = fopen(path, "w");
    int rc = results_print(err, f, dir);
    fclose(f);
    ck_ok(err, fs_read(err, text, &n, path, 1 << 20));
    free(dir);
    return rc;
}

START_TEST(results_are_shortened)
{
    struct moe_err err = {0};
    char *text;
    put("entropy.csv",
        "language,layer,entropy_counts,entropy_probabilities\n"
        "ca,0,1,1\nca,1,2.5,2.25\n\"a,b\",0,1,1\n\"a,b\",1,0.5,\n");
    put("jsd.csv", "layer,language_a,language_b,jsd_counts,jsd_probabilities\n"
                   "0,ca,et,0.9,0\n1,ca,et,0.1,0\n1,ca,fi,0.3,0\n1,et,fi,,0\n");
    put("specialization.csv", "layer,score\n0,0.125\n1,0.25\n");
    ck_ok(&err, results(&err, &text));
    ck_assert_str_eq(text,
                     "\nEntropy of expert use, last layer (1), nats\n"
                     "language  by counts  by probabilities\n"
                     "ca           2.5000            2.2500\n"
                     "a,b          0.5000                  \n"
                     "\nPairs that differ most, last layer (1), "
                     "Jensen-Shannon divergence, nats\n"
                     "language  language  by counts\n"
                     "ca        fi           0.3000\n"
                     "ca        et           0.1000\n"
                     "\nSpecialisation of the experts to languages, 0 to 1\n"
                     "layer   score\n"
                     "    0  0.1250\n"
                     "    1  0.2500\n");
    free(text);
    put("perplexity.csv", "language,perplexity\nca,12.345\n");
    ck_ok(&err, results(&err, &text));
    ck_assert_ptr_nonnull(strstr(text, "perplexity\nca "));
    ck_assert_ptr_nonnull(strstr(text, "12.3"));
    free(text);
    put("jsd.csv", "layer,a,b\n0,1,2\n");
    ck_fails(&err, results(&err, &text), MOE_EFORMAT, "no column 'language_a'");
    free(text);
}
END_TEST

START_TEST(tables_of_text_are_read_strictly)
{
    struct moe_err err = {0};
    struct csv_table t;
    const char *path = support_path("t.csv");
    static const char good[] = "a,b\r\n\"x\"\"y\",\"1,\n2\"\r\n,3";
    support_write(path, good, strlen(good));
    ck_ok(&err, csv_read(&err, &t, path));
    ck_assert_uint_eq(t.rows, 2);
    ck_assert_str_eq(t.header[1], "b");
    ck_assert_str_eq(csv_cell(&t, 0, 0), "x\"y");
    ck_assert_str_eq(csv_cell(&t, 0, 1), "1,\n2");
    ck_assert_str_eq(csv_cell(&t, 1, 0), "");
    ck_assert(isnan(csv_number(&t, 1, 0)));
    ck_assert(isnan(csv_number(&t, 0, 1)));
    ck_assert(csv_number(&t, 1, 1) == 3);
    csv_table_free(&t);
    static const struct {
        const char *text, *part;
    } wrong[] = {{"", "empty"},
                 {"a,b\n1\n", ":2: 1 fields, the header has 2"},
                 {"a,b\n1,2,3\n", ":2: 3 fields"},
                 {"a\n\"x\n", "a quote is not closed"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        support_write(path, wrong[i].text, strlen(wrong[i].text));
        ck_fails(&err, csv_read(&err, &t, path), MOE_EFORMAT, wrong[i].part);
    }
    support_write(path, "a\n\0\n", 4);
    ck_fails(&err, csv_read(&err, &t, path), MOE_EFORMAT, "a zero byte");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("client");
    TCase *t = tcase_create("client");
    tcase_add_test(t, names_cannot_drive_the_terminal);
    tcase_add_test(t, tables_line_up);
    tcase_add_test(t, results_are_shortened);
    tcase_add_test(t, tables_of_text_are_read_strictly);
    suite_add_tcase(s, t);
    return support_main(s, 0);
}
