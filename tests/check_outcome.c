/*
 * check_outcome.c - results of items: means, standard errors and paired tests
 * are those of tables made by hand, and lines read back.
 */
#include "config.h"

#include "tests/support.h"

#include <math.h>
#include <stdlib.h>

#include "base/str.h"
#include "eval/outcome.h"

static struct moe_err err;

static void
fill(struct outcome *o, const double *value, size_t n)
{
    static const char *const names[] = {"acc"};
    ck_ok(&err, outcome_begin(&err, o, "task", "en", names, 1));
    for (size_t i = 0; i < n; i++)
        outcome_add(o, i, i % 2 ? "odd" : "even")->score[0].value = value[i];
}

START_TEST(means_have_the_standard_error_of_the_sample)
{
    static const double x[] = {1, 0, 1, 1, NAN, 0};
    struct outcome o;
    fill(&o, x, 6);
    struct outcome_mean m = outcome_mean(&o, 0, NULL);
    ck_assert_uint_eq(m.n, 5);
    ck_assert_double_eq_tol(m.value, 0.6, 1e-12);
    ck_assert_double_eq_tol(m.stderr_, sqrt(0.3 / 5), 1e-12);
    m = outcome_mean(&o, 0, "odd");
    ck_assert_double_eq_tol(m.value, 1.0 / 3, 1e-12);
    o.item[0].score[0].weight = 3; // (3 + 0 + 1 + 1 + 0) / 7
    m = outcome_mean(&o, 0, NULL);
    ck_assert_double_eq_tol(m.value, 5.0 / 7, 1e-12);
    outcome_free(&o);
}
END_TEST

START_TEST(paired_tests_are_those_of_a_table)
{
    /* Ten pairs: b wins six, a one; the rest are equal. */
    static const double a[] = {1, 0, 0, 0, 0, 0, 0, 1, 1, 0};
    static const double b[] = {0, 1, 1, 1, 1, 1, 1, 1, 1, 0};
    struct outcome x, y;
    fill(&x, a, 10);
    fill(&y, b, 10);
    struct outcome_paired p = outcome_compare(&x, &y, 0);
    ck_assert_uint_eq(p.n, 10);
    ck_assert_uint_eq(p.only_value, 1);
    ck_assert_uint_eq(p.only_other, 6);
    ck_assert_double_eq_tol(p.difference, -0.5, 1e-12);
    ck_assert_double_eq_tol(p.p_mcnemar, 2 * 8 / 128.0, 1e-12);
    const double se = sqrt((7 - 10 * 0.25) / 9 / 10);
    ck_assert_double_eq_tol(p.stderr_, se, 1e-12);
    ck_assert_double_eq_tol(p.p, erfc(0.5 / se / sqrt(2)), 1e-12);
    p = outcome_compare(&x, &x, 0);
    ck_assert_double_eq_tol(p.p_mcnemar, 1, 1e-12);
    ck_assert(isnan(p.z));
    y.metric[0] = "other";
    ck_assert_uint_eq(outcome_compare(&x, &y, 0).n, 0);
    outcome_free(&x);
    outcome_free(&y);
}
END_TEST

START_TEST(lines_read_back)
{
    static const double a[] = {1, 0, NAN};
    struct outcome x, y;
    struct str text = {0};
    fill(&x, a, 3);
    x.item[1].score[0].weight = 7;
    for (size_t i = 0; i < 3; i++) {
        json_t *line = outcome_line(&x, i);
        char *s = json_dumps(line, JSON_COMPACT);
        str_printf(&text, "%s\n", s);
        free(s);
        json_decref(line);
    }
    const char *path = support_path("items.jsonl");
    support_write(path, text.s, text.n);
    ck_ok(&err, outcome_read(&err, &y, path));
    ck_assert_uint_eq(y.n, 3);
    ck_assert_str_eq(y.language, "en");
    ck_assert_double_eq(y.item[1].score[0].weight, 7);
    ck_assert(isnan(y.item[2].score[0].value));
    ck_assert_str_eq(y.item[1].group, "odd");
    outcome_free(&x);
    outcome_free(&y);
    support_write(path, "{\"task\":\"t\"}\n", 13);
    ck_fails(&err, outcome_read(&err, &y, path), MOE_EFORMAT,
             "items.jsonl:1: no item");
    str_free(&text);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("outcome");
    TCase *t = tcase_create("outcome");
    tcase_add_test(t, means_have_the_standard_error_of_the_sample);
    tcase_add_test(t, paired_tests_are_those_of_a_table);
    tcase_add_test(t, lines_read_back);
    suite_add_tcase(suite, t);
    return support_main(suite, 0);
}
