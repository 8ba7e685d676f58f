/*
 * check_report.c - results folders read, the numbers of the first screen, and
 * text that cannot break out.
 */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "planted.h"
#include "report/folder.h"
#include "report/summary.h"
#include "report/tongue.h"
#include "report/xml.h"
#include "support.h"
#include "wellformed.h"

/* ---- Folders
 * ------------------------------------------------------------------ */

START_TEST(a_folder_gives_its_numbers)
{
    struct moe_err err = {0};
    struct folder f;
    planted_write(support_dir(), &planted_four);
    ck_ok(&err, folder_read(&err, &f, support_dir()));
    ck_assert_uint_eq(f.n, 4);
    ck_assert_uint_eq(f.L, 3);
    ck_assert_uint_eq(f.E, 8);
    ck_assert_str_eq(f.label, "planted <run> & co");
    ck_assert_uint_eq(f.pivot, 0);
    ck_assert(f.high[1] && !f.high[2]);
    ck_assert_uint_eq(f.parent[3], 1); // ca of es
    ck_assert_uint_eq(f.warnings, 1);
    ck_assert_uint_eq(json_array_size(f.steps), 50); // not the cut line
    ck_assert_double_eq_tol(folder_at(&f, GRID_JSD, 2, 0, 3), 0.225, 1e-9);
    ck_assert_double_eq_tol(folder_at(&f, GRID_JSD, 2, 3, 0), 0.225, 1e-9);
    ck_assert_double_nan(folder_at(&f, GRID_JSD, 2, 1, 1));
    ck_assert_double_nan(folder_at(&f, GRID_JSD, 9, 0, 1));
    ck_assert_double_eq_tol(folder_at(&f, GRID_GIVEN, 0, 1, 2), 0.03, 1e-9);
    ck_assert_double_eq_tol(folder_at(&f, GRID_GIVEN, 0, 2, 1), 0.06, 1e-9);
    folder_free(&f);
}
END_TEST

START_TEST(broken_folders_are_named)
{
    static const struct {
        const char *name, *text, *part;
    } bad[] = {{"jsd", "layer,language_a,language_b,jsd_counts\n-1,en,ca,0.1\n",
                "jsd.csv:2: layer: '-1', want a number from 0 to 65535"},
               {"counts", "language,layer,expert,count\nen,0,1e9,1\n",
                "counts.csv:2: expert: '1e9'"},
               {"entropy", "language,layer,entropy_counts\nen,x,1\n",
                "entropy.csv:2: layer: 'x'"},
               {"entropy", "language,layer\nen\n", "entropy.csv:2: 1 fields"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct moe_err err = {0};
        struct folder f;
        planted_write(support_dir(), &planted_four);
        planted_table(support_dir(), bad[i].name, bad[i].text);
        int rc = folder_read(&err, &f, support_dir());
        ck_fails(&err, rc, MOE_EFORMAT, bad[i].part);
        ck_assert_ptr_null(f.dir);
    }
    struct moe_err err = {0};
    struct folder f;
    int rc = folder_read(&err, &f, "/nowhere");
    ck_fails(&err, rc, MOE_EINPUT, "/nowhere/results: No such");
}
END_TEST

START_TEST(a_broken_record_is_a_warning)
{
    struct moe_err err = {0};
    struct folder f;
    planted_write(support_dir(), &planted_four);
    support_write(support_path("run.json"), "{", 1);
    ck_ok(&err, folder_read(&err, &f, support_dir()));
    ck_assert_uint_eq(f.warnings, 1);
    ck_assert_ptr_nonnull(strstr(f.warning[0], "run.json"));
    folder_free(&f);
}
END_TEST

/* ---- Numbers
 * -------------------------------------------------------------------- */

START_TEST(the_findings_are_the_planted_ones)
{
    struct moe_err err = {0};
    struct folder f;
    size_t expert[8];
    planted_write(support_dir(), &planted_four);
    ck_ok(&err, folder_read(&err, &f, support_dir()));
    ck_assert_uint_eq(summary_most_special(&f), 2);
    ck_assert_uint_eq(summary_least_special(&f), 0);
    const struct moe_fit fit = summary_overlap(&f, 1, GRID_JACCARD);
    ck_assert_double_eq_tol(fit.r, -1, 1e-9);
    ck_assert_int_eq(fit.n, 5); // not the pair of two low ones
    // Pairs at distance 1, 1, 1, 2, 2, 3 of four languages.
    ck_assert_double_eq_tol(summary_jsd(&f, 2, false, false), 0.3 * 10 / 6 / 4,
                            1e-9);
    ck_assert_double_eq_tol(summary_jsd(&f, 2, false, true), 0.3 * 4 / 3 / 4,
                            1e-9);
    ck_assert_uint_eq(summary_nearest(&f, 2, 0), 1);
    ck_assert_double_eq_tol(summary_share(&f, 0, 0, 1), 2 / 21.0, 1e-12);
    ck_assert_int_ge(summary_experts(&f, "seft", 0, 0, expert), 1);
    ck_assert_double_eq_tol(summary_noise(&f, 0, 0), 7 / 84000.0, 1e-12);
    folder_free(&f);
}
END_TEST

/* A language whose experts another one takes over has them too. */
START_TEST(a_list_of_experts_belongs_to_both)
{
    static const char lists[] =
        "{\"_meta\": {\"rule\": \"gap\", \"parents\": {\"ca\": \"es\"}},"
        " \"ca\": {\"seft\": {\"2\": [5, 3]}}}";
    struct moe_err err = {0};
    struct folder f;
    size_t expert[8];
    planted_write(support_dir(), &planted_four);
    support_write(support_path("results/experts.json"), lists,
                  sizeof lists - 1);
    ck_ok(&err, folder_read(&err, &f, support_dir()));
    for (size_t i = 1; i < 4; i += 2) { // es and ca
        ck_assert_str_eq(summary_heir(&f, i), "ca");
        ck_assert_int_eq(summary_experts(&f, "seft", 2, i, expert), 2);
        ck_assert_uint_eq(expert[0], 3);
        ck_assert_uint_eq(expert[1], 5);
    }
    ck_assert_ptr_null(summary_heir(&f, 0));
    ck_assert_int_eq(summary_experts(&f, "seft", 2, 0, expert), -1);
    folder_free(&f);
}
END_TEST

START_TEST(codes_have_names)
{
    ck_assert_str_eq(tongue_name("ca"), "Catalan");
    ck_assert_str_eq(tongue_name("pt-BR"), "Portuguese");
    ck_assert_ptr_null(tongue_name("cat"));
    ck_assert_ptr_null(tongue_name(""));
}
END_TEST

/* ---- Text
 * ------------------------------------------------------------------------ */

START_TEST(text_cannot_break_out)
{
    struct str s = {0};
    char name[8];
    xml_text(&s, "<a href='x\">&\x01\xffz");
    ck_assert_str_eq(s.s, "&lt;a href=&#39;x&quot;&gt;&amp;\uFFFD\uFFFDz");
    str_free(&s);
    xml_name(name, sizeof name, "../a b/\u00e9");
    ck_assert_str_eq(name, "___a_b_");
    xml_name(name, sizeof name, "");
    ck_assert_str_eq(name, "_");
    xml_number(&s, -0.001);
    xml_number(&s, 12.50);
    ck_assert_str_eq(s.s, "012.5");
    str_free(&s);
}
END_TEST

START_TEST(the_checker_sees_faults)
{
    ck_assert_str_eq(wellformed("<a b=\"c\">x<d/></a>"), "");
    ck_assert_ptr_nonnull(strstr(wellformed("<a><b></a>"), "</a>"));
    ck_assert_ptr_nonnull(strstr(wellformed("<a>&nbsp;</a>"), "entity"));
    ck_assert_ptr_nonnull(strstr(wellformed("<a b=c/>"), "quote"));
    ck_assert_ptr_nonnull(strstr(wellformed("<a>x < y</a>"), "name"));
    ck_assert_ptr_nonnull(strstr(wellformed("<a>\x02</a>"), "character"));
    ck_assert_ptr_nonnull(
        strstr(wellformed("<a id=\"x\"><b id=\"x\"/></a>"), "twice"));
    ck_assert_ptr_nonnull(strstr(wellformed("<a>"), "not closed"));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("report");
    TCase *t = tcase_create("report");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_folder_gives_its_numbers);
    tcase_add_test(t, broken_folders_are_named);
    tcase_add_test(t, a_broken_record_is_a_warning);
    tcase_add_test(t, the_findings_are_the_planted_ones);
    tcase_add_test(t, a_list_of_experts_belongs_to_both);
    tcase_add_test(t, codes_have_names);
    tcase_add_test(t, text_cannot_break_out);
    tcase_add_test(t, the_checker_sees_faults);
    suite_add_tcase(s, t);
    return support_main(s, 0);
}
