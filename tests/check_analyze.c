/*
 * check_analyze.c - kind: analyze from its spec to its tables.
 *
 * Precondition: an OpenCL device.  Claims: the tables have the documented
 * columns and numbers; a job that was stopped goes on with the next language
 * and ends with the same bytes; what it is asked for beside the counts does
 * not change them; every input that it cannot use is refused in one line.
 * That the counts are right is check_golden's claim.
 */
#include "config.h"

#include "tests/table.h"
#include "tests/tiny.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "job/job.h"
#include "job/spec.h"

enum { V = 83, L = 2, E = 8, K = 2, W = 8, WINDOWS = 5, TOKENS = W * WINDOWS };

/* Three languages of TOKENS ids and a few more, on a small model. */
#define THREE  "data: {aa: aa.u16, bb: bb.u16, cc: cc.u16}\n"
#define SHARED "kind: analyze\nmodel: model\nwindow: 8\nbatch_tokens: 16\n"

static void
write_shard(const char *name, size_t n, unsigned seed)
{
    unsigned char byte[2 * (TOKENS + 16)];
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1103515245u + 12345u;
        byte[2 * i] = (unsigned char)((seed >> 16) % V);
        byte[2 * i + 1] = 0;
    }
    support_write(support_path(name), byte, 2 * n);
}

static void
write_inputs(void)
{
    support_ctx(); // skips all of it without a device
    tiny_write("model", &(struct tiny){0});
    write_shard("aa.u16", TOKENS + 3, 1);
    write_shard("bb.u16", TOKENS, 2);
    write_shard("cc.u16", TOKENS + 7, 3);
}

/* When to stop, and what was seen until then. */
struct watch {
    const char *phase, *item; // stop after this was reported; NULL: never
    uint64_t done;            // and so many tokens are done
    bool seen;
    unsigned asked, after; // calls of stopping(), and those after `seen`
};

static void
see(void *arg, const struct moe_progress *p)
{
    struct watch *w = arg;
    ck_assert(p->done <= p->total);
    if (w->phase && strcmp(p->phase, w->phase) == 0 && p->done >= w->done &&
        strcmp(p->item, w->item) == 0)
        w->seen = true;
}

static bool
stop(void *arg)
{
    struct watch *w = arg;
    w->asked++;
    w->after += w->seen;
    return w->seen;
}

static int
run(struct moe_err *err, const char *text, const char *out, struct watch *watch)
{
    struct watch unused = {0};
    struct job_spec spec;
    struct job_env env = {.out_dir = support_path(out),
                          .sink = {.progress = see,
                                   .stopping = stop,
                                   .arg = watch ? watch : &unused}};
    int rc = job_spec_parse(err, &spec, text, strlen(text), "test", NULL, 0);
    if (!rc)
        rc = job_spec_resolve(err, &spec, support_dir(), NULL, 0);
    if (!rc)
        rc = job_run(err, &spec, &env);
    job_spec_free(&spec);
    return rc;
}

static void
runs(const char *text, const char *out)
{
    struct moe_err err = {0};
    ck_ok(&err, run(&err, text, out, NULL));
}

static char *
slurp(const char *out, const char *name)
{
    struct moe_err err = {0};
    char path[600], *text;
    size_t n;
    snprintf(path, sizeof path, "%s/%s", support_path(out), name);
    ck_ok(&err, fs_read(&err, &text, &n, path, 1 << 24));
    return text;
}

static void
same_file(const char *a, const char *b, const char *name)
{
    char *x = slurp(a, name), *y = slurp(b, name);
    ck_assert_msg(strcmp(x, y) == 0, "%s of %s and %s differ", name, a, b);
    free(x);
    free(y);
}

static bool
has(const char *out, const char *name)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", support_path(out), name);
    return fs_exists(path);
}

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
    char *text = slurp(out, line);
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
    runs(SHARED THREE "perplexity: true\n", "tables");
    snprintf(path, sizeof path, "%s/results", support_path("tables"));
    ck_ok(&err, fs_list(&err, &names, &n, path, ""));
    fs_list_free(names, n);
    ck_assert_uint_eq(n, TABLES + 1); // and experts.json
    for (size_t i = 0; i < TABLES; i++)
        check_table("tables", i);
    struct table t;
    double sum[L] = {0};
    snprintf(path, sizeof path, "%s/results/counts.csv",
             support_path("tables"));
    ck_assert(table_read(&t, path));
    for (size_t i = 0; i < t.rows; i++)
        sum[(int)table_number(&t, i, "layer")] += table_number(&t, i, "count");
    for (int l = 0; l < L; l++)
        ck_assert_double_eq(sum[l], 3.0 * K * TOKENS);
    table_free(&t);
}
END_TEST

START_TEST(losses_do_not_change_the_counts)
{
    runs(SHARED THREE "perplexity: true\n", "with");
    runs(SHARED THREE, "without");
    for (size_t i = 0; i + 1 < TABLES; i++) {
        char name[64];
        snprintf(name, sizeof name, "results/%s", tables[i].name);
        same_file("with", "without", name);
    }
    ck_assert(!has("without", "results/perplexity.csv"));
}
END_TEST

/* Nor does how many windows are one pass: counts exactly. */
START_TEST(batches_do_not_change_the_counts)
{
    runs(SHARED THREE, "two");
    runs("kind: analyze\nmodel: model\nwindow: 8\nbatch_tokens: 1000\n" THREE,
         "all");
    runs("kind: analyze\nmodel: model\nwindow: 8\nbatch_tokens: 1\n" THREE,
         "one");
    same_file("two", "all", "results/counts.csv");
    same_file("two", "one", "results/counts.csv");
}
END_TEST

START_TEST(one_language_has_nothing_to_compare_with)
{
    runs(SHARED "data: {aa: aa.u16}\n", "single");
    char *jsd = slurp("single", "results/jsd.csv");
    char *special = slurp("single", "results/specialization.csv");
    ck_assert_str_eq(
        jsd, "layer,language_a,language_b,jsd_counts,jsd_probabilities\n");
    ck_assert_str_eq(special, "layer,score,score_high\n");
    char *record = slurp("single", "run.json");
    ck_assert_ptr_nonnull(strstr(record, "one language, aa: tables of pairs"));
    ck_assert_ptr_nonnull(strstr(record, "no experts.json"));
    ck_assert(!has("single", "results/experts.json"));
    free(record);
    free(jsd);
    free(special);
}
END_TEST

/* A stretch of at least a window, at most max_tokens, in whole windows. */
START_TEST(only_whole_windows_up_to_the_limit_count)
{
    runs(SHARED "data: {aa: aa.u16}\nmax_tokens: 31\n", "limit");
    char *metrics = slurp("limit", "metrics.jsonl");
    ck_assert_ptr_nonnull(strstr(metrics, "\"tokens\":24,"));
    free(metrics);
}
END_TEST

/* ---- Stopping ------------------------------------------------------------ */

START_TEST(a_stopped_job_goes_on_with_the_next_language)
{
    static const char text[] = SHARED THREE "perplexity: true\n";
    struct moe_err err = {0};
    struct watch w = {"collect", "bb", TOKENS + 2 * W, false, 0, 0};
    runs(text, "straight");
    int rc = run(&err, text, "halted", &w);
    ck_fails(&err, rc, MOE_ECANCEL, "stopped after 56 of 120 tokens");
    ck_assert_uint_eq(w.after, 1); // the first time that it asked
    ck_assert(has("halted", "checkpoints/routing-000.json"));
    ck_assert(!has("halted", "checkpoints/routing-001.json"));
    ck_assert(!has("halted", "results/counts.csv"));
    char *record = slurp("halted", "run.json");
    ck_assert_ptr_nonnull(strstr(record, "\"status\": \"cancelled\""));
    free(record);

    ck_ok(&err, run(&err, text, "halted", NULL));
    for (size_t i = 0; i < TABLES; i++) {
        char name[64];
        snprintf(name, sizeof name, "results/%s", tables[i].name);
        same_file("straight", "halted", name);
    }
    char *metrics = slurp("halted", "metrics.jsonl");
    char *resumed = strstr(metrics, "\"resumed\":true");
    ck_assert_ptr_nonnull(resumed);
    ck_assert_ptr_null(strstr(resumed + 1, "\"resumed\":true"));
    free(metrics);
}
END_TEST

/* Counters of a file that was replaced meanwhile are not used. */
START_TEST(a_language_that_changed_is_measured_again)
{
    static const char text[] = SHARED THREE;
    struct moe_err err = {0};
    struct watch w = {"collect", "bb", TOKENS + W, false, 0, 0};
    int rc = run(&err, text, "changed", &w);
    ck_fails(&err, rc, MOE_ECANCEL, "stopped after");
    write_shard("aa.u16", TOKENS + 5, 77);
    ck_ok(&err, run(&err, text, "changed", NULL));
    runs(text, "fresh");
    same_file("fresh", "changed", "results/counts.csv");
    char *metrics = slurp("changed", "metrics.jsonl");
    ck_assert_ptr_null(strstr(metrics, "\"resumed\""));
    free(metrics);
}
END_TEST

START_TEST(it_stops_before_the_device_too)
{
    struct moe_err err = {0};
    struct watch w = {"read", "bb", 0, false, 0, 0};
    int rc = run(&err, SHARED THREE, "early", &w);
    ck_fails(&err, rc, MOE_ECANCEL, "stopped while reading");
    ck_assert_uint_eq(w.after, 1);
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
    runs(text, out);
    char *metrics = slurp(out, "metrics.jsonl");
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
}
END_TEST

/* ---- Refusals ------------------------------------------------------------ */

static void
refuses(const char *text, int code, const char *part)
{
    static unsigned number;
    struct moe_err err = {0};
    char out[32];
    snprintf(out, sizeof out, "refused%u", number++);
    int rc = run(&err, text, out, NULL);
    ck_fails(&err, rc, code, part);
    ck_assert_ptr_null(strchr(err.text, '\n'));
    ck_assert(!has(out, "results/counts.csv"));
}

START_TEST(unusable_inputs_are_refused)
{
    unsigned char bad[2 * W] = {0};
    bad[6] = V;
    support_write(support_path("bad.u16"), bad, sizeof bad);
    support_write(support_path("odd.u16"), bad, 7);
    support_write(support_path("empty.u16"), "", 0);
    support_write(support_path("short.u16"), bad, 6);
    refuses(SHARED "data: {aa: aa.u16, bb: short.u16}\n", MOE_EFORMAT,
            "3 tokens, want at least one window of 8");
    refuses(SHARED "data: {aa: aa.u16, bb: empty.u16}\n", MOE_EFORMAT,
            "empty.u16: no tokens");
    refuses(SHARED "data: {aa: aa.u16, bb: gone.u16}\n", MOE_EINPUT,
            "gone.u16");
    refuses(SHARED "data: {aa: odd.u16}\n", MOE_EFORMAT,
            "7 bytes, want a multiple of 2");
    refuses(SHARED "data: {aa: bad.u16}\n", MOE_EFORMAT,
            "bad.u16: token 3 is 83, want an id below 83");
}
END_TEST

/* The tokenizer is that of another model: its ids are not this model's. */
START_TEST(a_strange_tokenizer_is_found_out)
{
    struct str b = {0};
    support_write(support_path("some.txt"), "Zwölf Boxkämpfer jagen\n", 25);
    str_printf(&b,
               SHARED "eos: 0\ntokenizer: \"%s/tokenizer.json\"\n"
                      "data: {aa: some.txt}\n",
               getenv("POLYMOE_SAMPLE"));
    char *text = str_take(&b);
    refuses(text, MOE_EFORMAT, "the vocabulary of");
    free(text);
}
END_TEST

START_TEST(windows_that_cannot_be_are_refused)
{
#define BASE "kind: analyze\nmodel: model\ndata: {aa: aa.u16}\n"
    refuses(BASE "window: 100000\n", MOE_EINVAL,
            "window: 100000 tokens, the model has");
    refuses(BASE "window: 0\n", MOE_EFORMAT, "window: '0' found, 1 to");
    refuses(BASE "window: 8\nmax_tokens: 7\n", MOE_EINVAL,
            "max_tokens: 7, want at least one window of 8");
    refuses(BASE "window: 1\nperplexity: true\n", MOE_EINVAL,
            "perplexity wants 2");
    refuses(BASE "window: 8\neos: 83\n", MOE_EINVAL,
            "eos: 83, the vocabulary has 83");
}
END_TEST

/* Known from the configuration alone: there are no weights here. */
START_TEST(a_model_that_cannot_fit_is_refused_before)
{
    static const char huge[] =
        "{\"model_type\":\"olmoe\",\"vocab_size\":83,"
        "\"hidden_size\":8192,\"num_hidden_layers\":512,"
        "\"num_attention_heads\":64,\"num_experts\":128,"
        "\"num_experts_per_tok\":8,\"intermediate_size\":8192,"
        "\"torch_dtype\":\"bfloat16\",\"eos_token_id\":0}";
    struct moe_err err = {0};
    ck_ok(&err, fs_mkdirs(&err, support_path("huge"), 0777));
    support_write(support_path("huge/config.json"), huge, sizeof huge - 1);
    refuses("kind: analyze\nmodel: huge\nwindow: 8\n" THREE, MOE_EFIT,
            "huge: needs 26");
}
END_TEST

START_TEST(a_device_that_does_not_exist_is_named)
{
    refuses(SHARED THREE "device: nonesuch\n", MOE_EDEVICE, "nonesuch");
}
END_TEST

static void
add_stopping(Suite *s)
{
    TCase *t = tcase_create("stopping");
    tcase_set_timeout(t, 0);
    tcase_add_checked_fixture(t, write_inputs, NULL);
    tcase_add_test(t, a_stopped_job_goes_on_with_the_next_language);
    tcase_add_test(t, a_language_that_changed_is_measured_again);
    tcase_add_test(t, it_stops_before_the_device_too);
    suite_add_tcase(s, t);
}

static void
add_refusals(Suite *s)
{
    TCase *t = tcase_create("refusals");
    tcase_set_timeout(t, 0);
    tcase_add_checked_fixture(t, write_inputs, NULL);
    tcase_add_test(t, unusable_inputs_are_refused);
    tcase_add_test(t, a_strange_tokenizer_is_found_out);
    tcase_add_test(t, windows_that_cannot_be_are_refused);
    tcase_add_test(t, a_model_that_cannot_fit_is_refused_before);
    tcase_add_test(t, a_device_that_does_not_exist_is_named);
    suite_add_tcase(s, t);
}

int
main(void)
{
    Suite *s = suite_create("analyze");
    TCase *t = tcase_create("tables");
    tcase_set_timeout(t, 0);
    tcase_add_checked_fixture(t, write_inputs, NULL);
    tcase_add_test(t, tables_are_those_of_the_manual);
    tcase_add_test(t, losses_do_not_change_the_counts);
    tcase_add_test(t, batches_do_not_change_the_counts);
    tcase_add_test(t, one_language_has_nothing_to_compare_with);
    tcase_add_test(t, only_whole_windows_up_to_the_limit_count);
    tcase_add_test(t, documents_are_lines_blocks_or_files);
    suite_add_tcase(s, t);
    add_stopping(s);
    add_refusals(s);
    return support_main(s, 1);
}
