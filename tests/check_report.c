/*
 * check_report.c - results folders read, the numbers of the first screen, and
 * a page that is whole, escaped and well-formed.
 */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "planted.h"
#include "report/folder.h"
#include "report/report.h"
#include "report/summary.h"
#include "report/tongue.h"
#include "report/xml.h"
#include "support.h"
#include "wellformed.h"

static const char *const names[] = {"en", "es", "<b>&\"'\033", "ca"};
static const struct planted four = {.n = 4, .L = 3, .E = 8, .name = names};

static char *
dir_of(const char *name)
{
    return str_copy(support_path(name));
}

static char *
read_text(const char *dir, const char *name)
{
    struct moe_err err = {0};
    char *path = str_path(dir, name), *text;
    size_t n;
    ck_ok(&err, fs_read(&err, &text, &n, path, 1 << 28));
    free(path);
    return text;
}

static void
write_table(const char *dir, const char *name, const char *text)
{
    char *path = str_format("%s/results/%s.csv", dir, name);
    support_write(path, text, strlen(text));
    free(path);
}

/* ---- Folders
 * ------------------------------------------------------------------ */

START_TEST(a_folder_gives_its_numbers)
{
    struct moe_err err = {0};
    struct folder f;
    planted_write(support_dir(), &four);
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
        planted_write(support_dir(), &four);
        write_table(support_dir(), bad[i].name, bad[i].text);
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
    planted_write(support_dir(), &four);
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
    planted_write(support_dir(), &four);
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

/* ---- The page
 * ---------------------------------------------------------------------- */

static void
has(const char *page, const char *part)
{
    ck_assert_msg(strstr(page, part) != NULL, "not in the page: %s", part);
}

static void
ck_wellformed(const char *what, const char *text)
{
    const char *fault = wellformed(text);
    ck_assert_msg(!*fault, "%s: %s", what, fault);
}

START_TEST(the_page_and_its_figures_are_whole)
{
    // What both studies show, and what this program trains and evaluates.
    static const char *const figures[] = {"entropy",
                                          "entropy-probabilities",
                                          "jsd-layer02",
                                          "mean-jsd",
                                          "mean-jsd-high",
                                          "overlap-layer02",
                                          "overlap-correlation",
                                          "specialization",
                                          "activation-layer02",
                                          "probability-layer02",
                                          "coactivation-layer00",
                                          "coactivation-adjacent-layer00",
                                          "delta-layer00",
                                          "tau-sweep",
                                          "saturation",
                                          "divergence",
                                          "consistency",
                                          "consistency-adjacent",
                                          "sequence-entropy",
                                          "score-correlation",
                                          "heldout-loss",
                                          "training-loss",
                                          "evaluation-belebele-acc"};
    static const char *const tables[] = {
        "Every layer",
        "Entropy by language and layer",
        "Entropy of probabilities by language and layer",
        "Every language",
        "Pairs of languages",
        "Correlation of divergence with vocabulary overlap",
        "Every expert and its language",
        "Experts chosen together",
        "Tokens of each expert",
        "Activation against the pivot",
        "Task and multilingual experts above the threshold",
        "Sweep of the threshold",
        "Token specialisation by language and layer",
        "Router saturation by language and layer",
        "Normalised divergence by language and layer",
        "Consistency by language and layer",
        "Consistency of neighbouring tokens by language and layer",
        "Entropy of a sequence by language and layer",
        "Correlation of divergence with scores",
        "Scores that were read",
        "Held-out text over the training",
        "Every result"};
    struct moe_err err = {0};
    char *out = dir_of("out");
    const char *dir = support_dir();
    planted_write(dir, &four);
    ck_ok(&err,
          report_write(&err, &dir, 1, &(struct report_options){.out = out}));
    char *page = read_text(out, "report.html");
    ck_wellformed("report.html", page);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        char id[80], file[80], magic[6] = "";
        snprintf(id, sizeof id, "<figure id=\"figure-%s\"", figures[i]);
        has(page, id);
        snprintf(file, sizeof file, "figures/%s.svg", figures[i]);
        char *svg = read_text(out, file);
        ck_wellformed(file, svg);
        has(svg, "<title>");
        free(svg);
        snprintf(file, sizeof file, "figures/%s.pdf", figures[i]);
        char *pdf = read_text(out, file);
        memcpy(magic, pdf, 5);
        ck_assert_str_eq(magic, "%PDF-");
        free(pdf);
    }
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char caption[80];
        snprintf(caption, sizeof caption, "<caption>%s</caption>", tables[i]);
        has(page, caption);
    }
    ck_assert_ptr_null(strstr(page, "id=\"omitted\"")); // nothing is missing
    has(page, "<h1>planted &lt;run&gt; &amp; co</h1>");
    has(page, "Layer 2 most: knowing one of a token&#39;s experts removes "
              "43.3");
    has(page, "Yes, largely in layer ");
    has(page, "over 5 pairs");
    has(page, "The 2 sister pairs lie 0.050 nats apart on average in layer 0 "
              "and 0.150 in layer 2, all other pairs 0.037 and 0.113.");
    has(page, "At \u03c4 = 0.3, 14 experts belong to gsm8k, 24 to another "
              "language than the pivot, and 0 to both.");
    has(page, "Catalan (ca)");
    has(page, "&lt;b&gt;&amp;&quot;&#39;\uFFFD");
    has(page, "the text of ab is cut");
    has(page, "prefers-color-scheme: dark");
    has(page, "class=\"n missing\"");
    ck_assert_ptr_null(strstr(page, "nan"));
    ck_assert_ptr_null(strstr(page, "src="));
    ck_assert_ptr_null(strstr(page, "<link"));
    free(page);
    free(out);
}
END_TEST

START_TEST(two_runs_stand_side_by_side)
{
    struct moe_err err = {0};
    char *out = dir_of("both"), *a = dir_of("first"), *b = dir_of("second");
    const char *dir[] = {a, b};
    struct planted moved = four;
    moved.extra = 0.3;
    moved.tokens = 10;
    planted_write(a, &four);
    planted_write(b, &moved);
    ck_ok(&err,
          report_write(&err, dir, 2,
                       &(struct report_options){
                           .out = out, .title = "A & B", .no_figures = true}));
    char *page = read_text(out, "report.html");
    ck_wellformed("report.html", page);
    has(page, "<h1>A &amp; B</h1>");
    has(page, "id=\"comparison\"");
    has(page, "planted &lt;run&gt; &amp; co (2)");
    has(page, "<td class=\"n\">+0.1250</td>"); // mean JSD doubled
    has(page, "How far expert use moved");
    char *figures = str_path(out, "figures");
    ck_assert(!fs_exists(figures));
    free(figures);
    free(page);
    free(out);
    free(a);
    free(b);
}
END_TEST

START_TEST(what_is_missing_is_said)
{
    struct moe_err err = {0};
    char *out = dir_of("few"), *dir = dir_of("one"), *results;
    const char *given = dir;
    results = str_path(dir, "results");
    ck_ok(&err, fs_mkdirs(&err, results, 0777));
    write_table(dir, "entropy",
                "language,layer,entropy_counts,entropy_probabilities\n"
                "en,0,1.5,\n");
    write_table(dir, "jsd",
                "layer,language_a,language_b,jsd_counts,jsd_probabilities\n");
    write_table(dir, "specialization", "layer,score\n");
    ck_ok(&err,
          report_write(&err, &given, 1, &(struct report_options){.out = out}));
    char *page = read_text(out, "report.html");
    ck_wellformed("report.html", page);
    has(page, "<h1>one</h1>");
    has(page, "it needs two languages");
    has(page, "no pair of languages in jsd.csv");
    has(page, "no counts.csv");
    has(page, "<figure id=\"figure-entropy\"");
    has(page, "The folder has no run.json");
    ck_assert_ptr_null(strstr(page, "<td class=\"n\">0.0"));
    free(page);
    free(results);
    free(dir);
    free(out);
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
    tcase_add_test(t, codes_have_names);
    tcase_add_test(t, text_cannot_break_out);
    tcase_add_test(t, the_checker_sees_faults);
    tcase_add_test(t, the_page_and_its_figures_are_whole);
    tcase_add_test(t, two_runs_stand_side_by_side);
    tcase_add_test(t, what_is_missing_is_said);
    suite_add_tcase(s, t);
    return support_main(s, 0);
}
