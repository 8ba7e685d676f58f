/*
 * check_analyze.c - kind: analyze from its spec to its tables.
 *
 * Precondition: an OpenCL device.  Claims: the tables have the documented
 * columns and numbers; what a job is asked for beside the counts does not
 * change them.  That the counts are right is check_golden's claim.
 */
#include "config.h"

#include "tests/analyzing.h"
#include "tests/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"

/* ---- Tables -------------------------------------------------------------- */

static const struct {
    const char *name, *header;
    size_t rows; // 0: as many as there are
} tables[] = {
    {"counts.csv", "language,layer,expert,count", 3 * L *E},
    {"probabilities.csv",
     "language,layer,expert,mean_pooled,mean_documents,mean_gate", 3 * L *E},
    {"entropy.csv", "language,layer,entropy_counts,entropy_probabilities",
     3 * L},
    {"jsd.csv", "layer,language_a,language_b,jsd_counts,jsd_probabilities",
     3 * L},
    {"specialization.csv", "layer,score,score_high", L},
    {"languages.csv", "language,group,parent,tokens,documents,sequences", 3},
    {"layers.csv",
     "layer,entropy_pivot,entropy_others,entropy_probabilities_pivot,"
     "entropy_probabilities_others,jsd,jsd_without_pivot,jsd_high,"
     "jsd_high_without_pivot,specialization",
     L},
    {"overlap.csv",
     "language_a,language_b,jaccard,overlap_coefficient,weighted_jaccard", 3},
    {"overlap_correlation.csv",
     "layer,measure,pairs,pearson_r,slope,intercept,n", L * 3},
    {"coactivation.csv",
     "layer,expert_a,expert_b,together,adjacent,b_given_a,a_given_b", 0},
    {"token_layers.csv", "language,layer,tokens,specialization", 3 * L},
    {"token_specialization.csv",
     "language,layer,expert,rank,token,text,count,share", 0},
    {"selection.csv",
     "layer,expert,language,share,gap,gap_mean,mean_share,shared_rank,selected",
     L *E},
    {"perplexity.csv",
     "language,tokens,predicted,nll,perplexity,nll_diluted,perplexity_diluted",
     3}};

enum { TABLES = sizeof tables / sizeof *tables };

/* Every number is its own %.9g. */
static void
check_table(const char *out, size_t i)
{
    char path[600], want[64], line[64], *end;
    struct table t;
    snprintf(line, sizeof line, "results/%s", tables[i].name);
    char *text = jobs_read(out, line, NULL);
    text[strcspn(text, "\n")] = '\0';
    ck_assert_str_eq(text, tables[i].header);
    free(text);
    snprintf(path, sizeof path, "%s/%s", support_path(out), line);
    ck_assert_msg(table_read(&t, path), "%s is no table", path);
    if (tables[i].rows)
        ck_assert_uint_eq(t.rows, tables[i].rows);
    for (size_t c = t.columns; c < (t.rows + 1) * t.columns; c++) {
        double x = strtod(t.cell[c], &end);
        if (*end || !t.cell[c][0])
            continue;
        snprintf(want, sizeof want, "%.9g", x);
        ck_assert_msg(strcmp(t.cell[c], want) == 0, "%s: '%s', want '%s'", path,
                      t.cell[c], want);
    }
    table_free(&t);
}

START_TEST(tables_are_those_of_the_manual)
{
    struct moe_err err = {0};
    char **names, path[600];
    size_t n;
    analyzing_runs(SHARED THREE "perplexity: true\n", "tables");
    snprintf(path, sizeof path, "%s/results", support_path("tables"));
    ck_ok(&err, fs_list(&err, &names, &n, path, ""));
    fs_list_free(names, n);
    ck_assert_uint_eq(n, TABLES + 1); // and experts.json
    for (size_t i = 0; i < TABLES; i++)
        check_table("tables", i);
}
END_TEST

/* Counts of a layer sum to K times the tokens, probabilities to 1. */
START_TEST(layers_have_their_sums)
{
    static const char *const means[] = {"mean_pooled", "mean_documents"};
    double counted[3 * L] = {0}, mean[2][3 * L] = {0};
    struct table t;
    char path[600];
    analyzing_runs(SHARED THREE, "sums");
    snprintf(path, sizeof path, "%s/results/counts.csv", support_path("sums"));
    ck_assert(table_read(&t, path));
    for (size_t i = 0; i < t.rows; i++)
        counted[i / E] += table_number(&t, i, "count");
    table_free(&t);
    snprintf(path, sizeof path, "%s/results/probabilities.csv",
             support_path("sums"));
    ck_assert(table_read(&t, path));
    for (size_t i = 0; i < t.rows; i++)
        for (int m = 0; m < 2; m++)
            mean[m][i / E] += table_number(&t, i, means[m]);
    table_free(&t);
    for (int i = 0; i < 3 * L; i++) {
        ck_assert_double_eq(counted[i], (double)K * TOKENS);
        ck_assert_double_eq_tol(mean[0][i], 1, 1e-6);
        ck_assert_double_eq_tol(mean[1][i], 1, 1e-6);
    }
}
END_TEST

/* The weights of the chosen, per token: 1 only when they are divided by their
 * sum. */
START_TEST(gates_are_those_of_the_model)
{
    static const char *const renorm[] = {"{\"norm_topk_prob\": false}",
                                         "{\"norm_topk_prob\": true}"};
    for (int i = 0; i < 2; i++) {
        struct table t;
        char path[600];
        double sum[L] = {0};
        const char *out = i ? "renormed" : "plain";
        tiny_write("gated", &(struct tiny){.config = renorm[i]});
        analyzing_runs("kind: analyze\nmodel: gated\nwindow: 8\n"
                       "data: {aa: aa.u16}\n",
                       out);
        snprintf(path, sizeof path, "%s/results/probabilities.csv",
                 support_path(out));
        ck_assert(table_read(&t, path));
        for (size_t k = 0; k < t.rows; k++)
            sum[k / E] += table_number(&t, k, "mean_gate");
        for (int l = 0; l < L; l++)
            if (i)
                ck_assert_double_eq_tol(sum[l], 1, 1e-6);
            else
                ck_assert(sum[l] > 0 && sum[l] < 0.999);
        table_free(&t);
    }
}
END_TEST

START_TEST(losses_do_not_change_the_counts)
{
    analyzing_runs(SHARED THREE "perplexity: true\n", "with");
    analyzing_runs(SHARED THREE, "without");
    for (size_t i = 0; i + 1 < TABLES; i++) {
        char name[64];
        snprintf(name, sizeof name, "results/%s", tables[i].name);
        jobs_same("with", "without", name);
    }
    ck_assert(!jobs_have("without", "results/perplexity.csv"));
}
END_TEST

/* Nor does how many windows are one pass: counts exactly. */
START_TEST(batches_do_not_change_the_counts)
{
    analyzing_runs(SHARED THREE, "two");
    analyzing_runs(
        "kind: analyze\nmodel: model\nwindow: 8\nbatch_tokens: 1000\n" THREE,
        "all");
    analyzing_runs(
        "kind: analyze\nmodel: model\nwindow: 8\nbatch_tokens: 1\n" THREE,
        "one");
    jobs_same("two", "all", "results/counts.csv");
    jobs_same("two", "one", "results/counts.csv");
}
END_TEST

START_TEST(one_language_has_nothing_to_compare_with)
{
    analyzing_runs(SHARED "data: {aa: aa.u16}\n", "single");
    char *jsd = jobs_read("single", "results/jsd.csv", NULL);
    char *special = jobs_read("single", "results/specialization.csv", NULL);
    ck_assert_str_eq(
        jsd, "layer,language_a,language_b,jsd_counts,jsd_probabilities\n");
    ck_assert_str_eq(special, "layer,score,score_high\n");
    char *record = jobs_read("single", "run.json", NULL);
    ck_assert_ptr_nonnull(strstr(record, "one language, aa: tables of pairs"));
    ck_assert_ptr_nonnull(strstr(record, "no experts.json"));
    ck_assert(!jobs_have("single", "results/experts.json"));
    free(record);
    free(jsd);
    free(special);
}
END_TEST

/* A stretch of at least a window, at most max_tokens, in whole windows. */
START_TEST(only_whole_windows_up_to_the_limit_count)
{
    analyzing_runs(SHARED "data: {aa: aa.u16}\nmax_tokens: 31\n", "limit");
    char *metrics = jobs_read("limit", "metrics.jsonl", NULL);
    ck_assert_ptr_nonnull(strstr(metrics, "\"tokens\":24,"));
    free(metrics);
}
END_TEST

/* ---- Text ---------------------------------------------------------------- */

/* Documents that the counters saw of `data` under a way to divide text. */
static void
expect_documents(const char *documents, const char *data, unsigned want)
{
    static unsigned number;
    struct str b = {0};
    char out[32], part[40];
    snprintf(out, sizeof out, "text%u", number++);
    str_printf(&b,
               "kind: analyze\nmodel: \"%s/model\"\nwindow: 2\n"
               "documents: %s\ndata: {xx: %s}\n",
               getenv("POLYMOE_SAMPLE"), documents, data);
    char *text = str_take(&b);
    analyzing_runs(text, out);
    char *metrics = jobs_read(out, "metrics.jsonl", NULL);
    snprintf(part, sizeof part, "\"documents\":%u,", want);
    ck_assert_msg(strstr(metrics, part) != NULL, "%s: no %s in %s", documents,
                  part, metrics);
    free(metrics);
    free(text);
}

START_TEST(documents_are_lines_blocks_or_files)
{
    static const char one[] = "one two three four\nfive six seven eight\n\n"
                              "nine ten eleven twelve\n";
    static const char two[] = "thirteen fourteen fifteen sixteen\n";
    support_write(support_path("one.txt"), one, sizeof one - 1);
    support_write(support_path("two.txt"), two, sizeof two - 1);
    expect_documents("line", "one.txt", 3);
    expect_documents("blank", "one.txt", 2);
    expect_documents("file", "one.txt", 1);
    expect_documents("line", "[one.txt, two.txt]", 4);
    expect_documents("blank", "[one.txt, two.txt]", 3);
    expect_documents("file", "[one.txt, two.txt]", 2);
    // The same text whatever editor wrote it; an empty one is no document.
    static const char plain[] = "{\"text\": \"one two\"}\n"
                                "{\"text\": \"three four\"}\n";
    static const char edited[] = "\xEF\xBB\xBF{\"text\": \"one two\"}\r\n\r\n"
                                 "{\"text\": \"\"}\r\n"
                                 "{\"text\": \"three four\"}";
    support_write(support_path("plain.jsonl"), plain, sizeof plain - 1);
    support_write(support_path("edited.jsonl"), edited, sizeof edited - 1);
    expect_documents("line", "plain.jsonl", 2);
    expect_documents("line", "edited.jsonl", 2);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("analyze");
    TCase *t = tcase_create("tables");
    tcase_set_timeout(t, 0);
    tcase_add_checked_fixture(t, analyzing_inputs, NULL);
    tcase_add_test(t, tables_are_those_of_the_manual);
    tcase_add_test(t, layers_have_their_sums);
    tcase_add_test(t, gates_are_those_of_the_model);
    tcase_add_test(t, losses_do_not_change_the_counts);
    tcase_add_test(t, batches_do_not_change_the_counts);
    tcase_add_test(t, one_language_has_nothing_to_compare_with);
    tcase_add_test(t, only_whole_windows_up_to_the_limit_count);
    tcase_add_test(t, documents_are_lines_blocks_or_files);
    suite_add_tcase(s, t);
    return support_main(s, 1);
}
