/*
 * check_study.c - files of several jobs: shared fields, order, sweeps,
 * ${NAME.out}, and every way to get them wrong.
 */
#include "config.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "job/study.h"

static int
read_text(struct moe_err *err, struct job_study *study, const char *text,
          const char *const *set, size_t n_set)
{
    const char *path = support_path("study.yaml");
    support_write(support_path("m"), "x", 1);
    support_write(support_path("t.txt"), "x", 1);
    support_write(path, text, strlen(text));
    return job_study_read(err, study, path, set, n_set, support_dir());
}

static void
refuses(const char *text, const char *part)
{
    struct moe_err err = {0};
    struct job_study study;
    ck_fails(&err, read_text(&err, &study, text, NULL, 0), MOE_EFORMAT, part);
    ck_assert_uint_eq(study.n, 0);
}

/* "NAME NAME NAME" in the order of the study. */
static char *
names(const struct job_study *study)
{
    struct str b = {0};
    for (size_t i = 0; i < study->n; i++)
        str_printf(&b, "%s%s", i ? " " : "", study->job[i].name);
    return str_take(&b);
}

static void
expect_names(const char *text, const char *want)
{
    struct moe_err err = {0};
    struct job_study study;
    ck_ok(&err, read_text(&err, &study, text, NULL, 0));
    char *got = names(&study);
    ck_assert_str_eq(got, want);
    free(got);
    job_study_free(&study);
}

#define SHARED "kind: analyze\nmodel: m\ndata: {ca: t.txt}\n"

START_TEST(one_job_is_a_spec)
{
    struct moe_err err = {0};
    struct job_study study;
    ck_ok(&err, read_text(&err, &study, SHARED, NULL, 0));
    ck_assert(!study.several);
    ck_assert_uint_eq(study.n, 1);
    ck_assert_str_eq(study.job[0].name, "study");
    ck_assert_str_eq(study.job[0].out, support_dir());
    job_study_free(&study);
}
END_TEST

START_TEST(jobs_share_fields_and_follow_each_other)
{
    struct moe_err err = {0};
    struct job_study study;
    static const char text[] = SHARED "window: 64\n"
                                      "jobs:\n"
                                      "  last: {after: [mid, 17]}\n"
                                      "  mid: {after: first, window: 32}\n"
                                      "  first: {}\n";
    const char *const set[] = {"max_tokens=100"};
    ck_ok(&err, read_text(&err, &study, text, set, 1));
    ck_assert(study.several);
    char *got = names(&study);
    ck_assert_str_eq(got, "first mid last");
    free(got);
    ck_assert_int_eq(study.job[0].window, 64);
    ck_assert_int_eq(study.job[1].window, 32);
    ck_assert_int_eq(study.job[2].max_tokens, 100);
    ck_assert_uint_eq(study.job[2].after.n, 2);
    ck_assert_str_eq(study.job[2].after.item[1], "17");
    char *out = str_path(support_dir(), "mid.out");
    ck_assert_str_eq(study.job[1].out, out);
    free(out);
    job_study_free(&study);
}
END_TEST

START_TEST(fields_go_to_the_kinds_that_have_them)
{
    struct moe_err err = {0};
    struct job_study study;
    static const char text[] =
        "model: m\nwindow: 64\noptimizer: {lr: 0.5}\n"
        "jobs:\n"
        "  a: {kind: analyze, data: {ca: t.txt}}\n"
        "  b: {kind: evaluate, perplexity: {data: {ca: t.txt}}}\n"
        "  c: {kind: adapt, data: {ca: t.txt}}\n";
    const char *const set[] = {"limit=3", "perplexity.window=8"};
    ck_ok(&err, read_text(&err, &study, text, set, 2));
    ck_assert_int_eq(study.job[0].window, 64);
    ck_assert_int_eq(study.job[1].eval.limit, 3);
    ck_assert_int_eq(study.job[1].eval.perplexity_window, 8);
    ck_assert(study.job[2].train.lr == 0.5);
    job_study_free(&study);
    refuses("model: m\nlimit: 3\njobs: {a: {kind: analyze, data: t.txt}}\n",
            "study.yaml:2: limit: no such field of this kind");
    refuses("model: m\njobs: {a: {kind: analyze, limit: 3}, b: {kind: "
            "evaluate}}\n",
            "study.yaml:2: limit: no such field of this kind");
    const char *const unknown[] = {"limt=3"};
    ck_fails(&err, read_text(&err, &study, text, unknown, 1), MOE_EINVAL,
             "--set: limt: no such field");
}
END_TEST

START_TEST(outputs_can_be_named)
{
    struct moe_err err = {0};
    struct job_study study;
    static const char text[] = SHARED
        "jobs:\n"
        "  b: {data: {ca: '${a.out}/x.txt', et: ['t.txt', '${a.out}']}}\n"
        "  a: {out: here}\n";
    ck_ok(&err, read_text(&err, &study, text, NULL, 0));
    char *want = str_path(support_dir(), "here/x.txt");
    ck_assert_str_eq(study.job[0].name, "a");
    ck_assert_str_eq(study.job[1].after.item[0], "a");
    ck_assert_str_eq(study.job[1].data.language[0].files.item[0], want);
    free(want);
    job_study_free(&study);
}
END_TEST

START_TEST(sweeps_spread_out)
{
    expect_names(SHARED "jobs:\n  s:\n    sweep:\n      window: [8, 16]\n"
                        "      documents: [line, file]\n  z: {after: s}\n",
                 "s-8-line s-8-file s-16-line s-16-file z");
    expect_names(SHARED "sweep: {window: [8, 16]}\n", "study-8 study-16");
    expect_names(SHARED "jobs: {s: {sweep: {data: [{ca: t.txt}, {et: t.txt}]}}}"
                        "\n",
                 "s-1 s-2");
}
END_TEST

START_TEST(a_sweep_is_named_whole)
{
    struct moe_err err = {0};
    struct job_study study;
    static const char text[] =
        SHARED "jobs:\n"
               "  last:\n"
               "    data: {ca: '${s.out}/x.txt', et: [t.txt, '${s.out}', "
               "'${a.out}']}\n"
               "  s: {sweep: {window: [8, 16]}}\n"
               "  a: {}\n";
    ck_ok(&err, read_text(&err, &study, text, NULL, 0));
    const struct job_spec *last = &study.job[3];
    ck_assert_str_eq(last->name, "last");
    ck_assert_uint_eq(last->after.n, 3);
    const struct job_strings *ca = &last->data.language[0].files;
    const struct job_strings *et = &last->data.language[1].files;
    char *want = str_path(support_dir(), "s-16.out/x.txt");
    ck_assert_uint_eq(ca->n, 2);
    ck_assert_str_eq(ca->item[1], want);
    ck_assert_uint_eq(et->n, 4);
    free(want);
    want = str_path(support_dir(), "a.out");
    ck_assert_str_eq(et->item[3], want);
    free(want);
    job_study_free(&study);
    refuses(SHARED "jobs: {s: {sweep: {window: [8]}}, b: {model: "
                   "'${s.out}/model'}}\n",
            "model: 'a list' found, path allowed");
    refuses(SHARED "jobs: {s: {sweep: {window: [8]}}, b: {data: {ca: "
                   "'x${s.out}'}}}\n",
            "only ${NAME.out}");
}
END_TEST

START_TEST(studies_are_whole_or_refused)
{
    refuses(SHARED "jobs: []\n", "study.yaml:4: jobs: a map from name");
    refuses(SHARED "jobs: {}\n", "a map from name to job");
    refuses(SHARED "jobs: {a: 3}\n", "a: a job is a map of fields");
    refuses(SHARED "jobs: {a: {}, a: {}}\n", "given twice");
    refuses(SHARED "jobs: {a/b: {}}\n", "'a/b' is no name of a job");
    refuses(SHARED "jobs: {.a: {}}\n", "'.a' is no name of a job");
    refuses(SHARED "jobs: {a: {name: b}}\n", "is called by its key");
    refuses(SHARED "jobs: {a: {windw: 3}}\n", "did you mean 'window'");
    refuses(SHARED "jobs: {a: {after: b}}\n", "'b' is neither a job");
    refuses(SHARED "jobs: {a: {after: a}}\n", "a waits for itself");
    refuses(SHARED "jobs:\n  a: {after: b}\n  b: {after: a}\n",
            "study.yaml:5: after: a waits for itself");
    refuses(SHARED "jobs: {a: {data: '${b.out}/x'}}\n", "only ${NAME.out}");
    refuses(SHARED "jobs: {a: {data: '${a.outt}'}}\n", "only ${NAME.out}");
    refuses(SHARED "jobs: {a: {data: '${a'}}\n", "only ${NAME.out}");
    refuses(SHARED "jobs: {a: {}, b: {out: '${a.out}'}}\n",
            "another job's directory");
    refuses(SHARED "out: x\njobs: {a: {}, b: {}}\n", "would both write to");
    refuses(SHARED "jobs: {a: {sweep: {}}}\n", "sweep: a map from field");
    refuses(SHARED "jobs: {a: {sweep: {window: 3}}}\n", "window needs a list");
    refuses(SHARED "jobs: {a: {sweep: {window: []}}}\n", "window needs a list");
    refuses(SHARED "jobs: {a-8: {}, a: {sweep: {window: [8]}}}\n",
            "two jobs are called 'a-8'");
}
END_TEST

START_TEST(a_study_has_a_limit)
{
    struct str b = {0};
    str_puts(&b, SHARED "jobs: {a: {sweep: {window: [1");
    for (int i = 2; i <= JOB_STUDY_MAX + 1; i++)
        str_printf(&b, ", %d", i);
    str_puts(&b, "]}}}\n");
    refuses(b.s, "more than 1000 jobs");
    str_free(&b);
}
END_TEST

/* The text of the n-th display of the manual's page of studies, or NULL. */
static char *
display(const char *page, int n)
{
    const char *at = page, *end;
    for (; n >= 0 && (at = strstr(at, "\n.Bd ")) != NULL; n--)
        at += 5;
    if (!at || !(at = strchr(at, '\n')) || !(end = strstr(at, "\n.Ed")))
        return NULL;
    struct str text = {0};
    str_add(&text, at + 1, (size_t)(end - at));
    return str_take(&text);
}

/* A file of some bytes, and the directories above it. */
static void
make_file(const char *path)
{
    struct moe_err err = {0};
    char *full = str_path(support_dir(), path), *dir = fs_dirname(full);
    ck_ok(&err, fs_mkdirs(&err, dir, 0777));
    support_write(full, "x", 1);
    free(dir);
    free(full);
}

START_TEST(studies_of_the_manual_are_whole)
{
    static const char *const files[] = {"OLMoE-1B-7B-0924/config.json",
                                        "OLMoE-1B-7B-0924/tokenizer.json",
                                        "text/en.txt",
                                        "small/config.json",
                                        "small/tokenizer.json",
                                        "heldout/ca.txt",
                                        "ca.jsonl",
                                        "flores/en.txt",
                                        "gsm8k.jsonl",
                                        "belebele/en.jsonl",
                                        "multiblimp/en.tsv"};
    static const char *const languages[] = {"en", "ar", "cs", "es", "fi",
                                            "hi", "ru", "ca", "et", "mr",
                                            "sk", "uk", "ur", "nl"};
    static const size_t jobs[] = {14, 128, 13};
    struct moe_err err = {0};
    char *page;
    size_t n;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        make_file(files[i]);
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++)
        for (int k = 0; k < 3; k++) {
            static const char *const part[] = {"train", "valid", "test"};
            char *path = str_format("text/%s.%s.txt", languages[i], part[k]);
            make_file(path);
            free(path);
        }
    ck_ok(&err,
          fs_read(&err, &page, &n, SRCDIR "/man/polymoe-study.7", 1 << 20));
    for (int i = 0; i < 3; i++) {
        struct job_study study;
        char *text = display(page, i);
        ck_assert_ptr_nonnull(text);
        ck_ok(&err, read_text(&err, &study, text, NULL, 0));
        ck_assert_uint_eq(study.n, jobs[i]);
        job_study_free(&study);
        free(text);
    }
    ck_assert_ptr_null(display(page, 3));
    free(page);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("study");
    TCase *t = tcase_create("study");
    tcase_add_test(t, one_job_is_a_spec);
    tcase_add_test(t, jobs_share_fields_and_follow_each_other);
    tcase_add_test(t, fields_go_to_the_kinds_that_have_them);
    tcase_add_test(t, outputs_can_be_named);
    tcase_add_test(t, sweeps_spread_out);
    tcase_add_test(t, a_sweep_is_named_whole);
    tcase_add_test(t, studies_are_whole_or_refused);
    tcase_add_test(t, a_study_has_a_limit);
    tcase_add_test(t, studies_of_the_manual_are_whole);
    suite_add_tcase(s, t);
    return support_main(s, 0);
}
