/*
 * check_page.c - report.html is whole, escaped and well-formed, with every
 * figure and table; what is missing is said.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "jobs.h"
#include "planted.h"
#include "report/report.h"
#include "support.h"
#include "wellformed.h"

static char *
dir_of(const char *name)
{
    return str_copy(support_path(name));
}

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
    planted_write(dir, &planted_four);
    ck_ok(&err,
          report_write(&err, &dir, 1, &(struct report_options){.out = out}));
    char *page = jobs_read("out", "report.html", NULL);
    ck_wellformed("report.html", page);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        char id[80], file[80], magic[6] = "";
        snprintf(id, sizeof id, "<figure id=\"figure-%s\"", figures[i]);
        has(page, id);
        snprintf(file, sizeof file, "figures/%s.svg", figures[i]);
        char *svg = jobs_read("out", file, NULL);
        ck_wellformed(file, svg);
        has(svg, "<title>");
        free(svg);
        snprintf(file, sizeof file, "figures/%s.pdf", figures[i]);
        char *pdf = jobs_read("out", file, NULL);
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
    struct planted moved = planted_four;
    moved.extra = 0.3;
    moved.tokens = 10;
    planted_write(a, &planted_four);
    planted_write(b, &moved);
    ck_ok(&err,
          report_write(&err, dir, 2,
                       &(struct report_options){
                           .out = out, .title = "A & B", .no_figures = true}));
    char *page = jobs_read("both", "report.html", NULL);
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
    planted_table(dir, "entropy",
                  "language,layer,entropy_counts,entropy_probabilities\n"
                  "en,0,1.5,\n");
    planted_table(dir, "jsd",
                  "layer,language_a,language_b,jsd_counts,jsd_probabilities\n");
    planted_table(dir, "specialization", "layer,score\n");
    ck_ok(&err,
          report_write(&err, &given, 1, &(struct report_options){.out = out}));
    char *page = jobs_read("few", "report.html", NULL);
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
    Suite *s = suite_create("page");
    TCase *t = tcase_create("page");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, the_page_and_its_figures_are_whole);
    tcase_add_test(t, two_runs_stand_side_by_side);
    tcase_add_test(t, what_is_missing_is_said);
    suite_add_tcase(s, t);
    return support_main(s, 0);
}
