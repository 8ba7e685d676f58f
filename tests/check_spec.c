/*
 * check_spec.c - job specs: the table, the YAML parser and its errors, paths.
 */
#include "config.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "job/field.h"

static const char small[] = "kind: analyze\n"
                            "model: m\n"
                            "data: {ca: ca.txt}\n";

static int
parse(struct moe_err *err, struct job_spec *spec, const char *text)
{
    return job_spec_parse(err, spec, text, strlen(text), "s.yaml", NULL, 0);
}

/* The small spec with one more line must fail with that sentence. */
static void
refuses(const char *line, const char *part)
{
    struct moe_err err = {0};
    struct job_spec spec;
    char *text = str_format("%s%s\n", small, line);
    ck_fails(&err, parse(&err, &spec, text), MOE_EFORMAT, part);
    ck_assert_ptr_null(spec.name);
    free(text);
}

/* The small spec with one more line. */
static struct job_spec
accepts(const char *line)
{
    struct moe_err err = {0};
    struct job_spec spec;
    char *text = str_format("%s%s\n", small, line);
    ck_ok(&err, parse(&err, &spec, text));
    free(text);
    return spec;
}

START_TEST(defaults_come_from_the_table)
{
    struct job_spec spec = accepts("");
    ck_assert_int_eq(spec.kind, JOB_ANALYZE);
    ck_assert_str_eq(spec.name, "s");
    ck_assert_int_eq(spec.window, 2048);
    ck_assert_int_eq(spec.max_tokens, 1024000);
    ck_assert_int_eq(spec.eos, -1);
    ck_assert_int_eq(spec.documents, JOB_DOCUMENTS_LINE);
    ck_assert(!spec.perplexity);
    ck_assert_uint_eq(spec.data.n, 1);
    ck_assert_str_eq(spec.data.language[0].files.item[0], "ca.txt");
    job_spec_free(&spec);
}
END_TEST

START_TEST(values_have_types)
{
    struct job_spec spec =
        accepts("window: 1_024\nperplexity: true\ndocuments: file\n"
                "time_limit: 1h30m\nafter: [a, 17]\nname: \"\\e[31m\\n\"");
    ck_assert_int_eq(spec.window, 1024);
    ck_assert(spec.perplexity);
    ck_assert_int_eq(spec.documents, JOB_DOCUMENTS_FILE);
    ck_assert_int_eq(spec.time_limit_s, 5400);
    ck_assert_uint_eq(spec.after.n, 2);
    ck_assert_str_eq(spec.after.item[1], "17");
    ck_assert_str_eq(spec.name, "\033[31m\n");
    job_spec_free(&spec);
    spec = accepts("time_limit: 2d\nafter: one");
    ck_assert_int_eq(spec.time_limit_s, 172800);
    ck_assert_str_eq(spec.after.item[0], "one");
    job_spec_free(&spec);
}
END_TEST

START_TEST(errors_say_where_what_and_what_is_allowed)
{
    refuses("windw: 3", "s.yaml:4: windw: no such field; did you mean "
                        "'window'?");
    refuses("learning_rate: 3", "s.yaml:4: learning_rate: no such field");
    refuses("window: 0", "s.yaml:4: window: '0' found, 1 to 1048576 tokens");
    refuses("window: 1048577", "'1048577' found");
    refuses("window: '256'", "window: '256' found"); // a text, no number
    refuses("window: 99999999999999999999", "window: '9999");
    refuses("window: 1_", "window: '1_' found");
    refuses("window: +", "window: '+' found");
    refuses("window: [1]", "window: 'a list' found");
    refuses("window:", "window: 'nothing' found");
    refuses("perplexity: yes", "'yes' found, true or false allowed");
    refuses("documents: lines", "'lines' found, line|blank|file allowed");
    refuses("documents: lin", "'lin' found");
    refuses("compute: bf16", "'bf16' found, f32 allowed");
    refuses("time_limit: 5 minutes", "such as 90s, 30m, 36h or 1h30m");
    refuses("time_limit: 1m1h", "time_limit: '1m1h' found");
    refuses("time_limit: -5", "time_limit: '-5' found");
    refuses("time_limit: 9999999999h", "time_limit: '9999999999h' found");
    refuses("window: 1\nwindow: 2", "s.yaml:5: window: given twice, first on "
                                    "line 4");
    refuses("name: ''", "name: '' found, text allowed");
    refuses("after: [[x]]", "after: 'a list' found");
    refuses("jobs: {}", "s.yaml:4: jobs: a study; one job");
}
END_TEST

static void
refuses_whole(const char *text, const char *part)
{
    struct moe_err err = {0};
    struct job_spec spec;
    ck_fails(&err, parse(&err, &spec, text), MOE_EFORMAT, part);
}

START_TEST(whole_files_are_refused_too)
{
    refuses_whole("", "s.yaml:1: nothing in it");
    refuses_whole("# only words\n", "nothing in it");
    refuses_whole("- a\n", "s.yaml:1: a job spec is a map of fields");
    refuses_whole("model: m\n",
                  "s.yaml:1: kind: missing, "
                  "analyze|pretrain|adapt|evaluate|choose allowed");
    refuses_whole("kind: adopt\n",
                  "s.yaml:1: kind: 'adopt' found, "
                  "analyze|pretrain|adapt|evaluate|choose allowed");
    refuses_whole("kind: analyze\ndata: {a: b}\n", "model: missing");
    refuses_whole("kind: analyze\nmodel: m\n", "data: missing");
    refuses_whole("kind: analyze\nmodel: m\ndata: {}\n", "data: 'a map'");
    refuses_whole("kind: analyze\nmodel: m\ndata: {a: []}\n", "a has no file");
    refuses_whole("kind: &x analyze\n", "anchors and aliases");
    refuses_whole("kind: !!str analyze\n", "tags are not allowed");
    refuses_whole("kind: *x\n", "anchors and aliases");
    refuses_whole("{a: 1}\n---\n{b: 1}\n", "s.yaml:2: a second document");
    refuses_whole("[[[[[[[[[[1]]]]]]]]]]", "nested more than 8");
    refuses_whole("kind: analyze\n\tmodel: m\n", "s.yaml:2: ");
    refuses_whole("kind: \xff\n", "s.yaml");
    refuses_whole("? [a]\n: b\n", "a key must be a word");
}
END_TEST

START_TEST(json_is_yaml)
{
    struct moe_err err = {0};
    struct job_spec spec;
    ck_ok(&err, parse(&err, &spec,
                      "{\"kind\": \"analyze\", \"model\": \"m\", \"data\": "
                      "{\"no\": [\"a.txt\", \"b.txt\"]}, \"window\": 64}"));
    ck_assert_str_eq(spec.data.language[0].name, "no");
    ck_assert_uint_eq(spec.data.language[0].files.n, 2);
    ck_assert_int_eq(spec.window, 64);
    job_spec_free(&spec);
}
END_TEST

START_TEST(the_command_line_wins)
{
    struct moe_err err = {0};
    struct job_spec spec;
    const char *const set[] = {"window=64", "data={et: e.txt}", "window=65"};
    ck_ok(&err,
          job_spec_parse(&err, &spec, small, strlen(small), "s.yaml", set, 3));
    ck_assert_int_eq(spec.window, 65);
    ck_assert_uint_eq(spec.data.n, 1);
    ck_assert_str_eq(spec.data.language[0].name, "et");
    /* Its paths belong to the working directory. */
    char *here, *path;
    ck_ok(&err, fs_realpath(&err, &here, "."));
    path = str_path(here, "e.txt");
    ck_assert_str_eq(spec.data.language[0].files.item[0], path);
    free(here);
    free(path);
    job_spec_free(&spec);
    static const struct {
        const char *set, *part;
    } wrong[] = {{"window", "--set: 'window' is not FIELD=VALUE"},
                 {"=3", "is not FIELD=VALUE"},
                 {"window=", "--set: window: no value"},
                 {"window=x", "--set: window: 'x' found"},
                 {"wimdow=3", "--set: wimdow: no such field; did you mean"},
                 {"data={", "--set: "}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_fails(&err,
                 job_spec_parse(&err, &spec, small, strlen(small), "s.yaml",
                                &wrong[i].set, 1),
                 MOE_EINVAL, wrong[i].part);
}
END_TEST

static void
touch(const char *dir, const char *name)
{
    char *path = str_path(dir, name);
    support_write(path, "x", 1);
    free(path);
}

/* Resolve "data: c/manifest.json" of that text. */
static int
resolve_manifest(struct moe_err *err, struct job_spec *spec, const char *text)
{
    char *dir = str_path(support_dir(), "c");
    char *path = str_path(dir, "manifest.json");
    ck_ok(err, fs_mkdirs(err, dir, 0777));
    support_write(path, text, strlen(text));
    touch(support_dir(), "m");
    touch(dir, "ca_train_1.jsonl");
    free(path);
    free(dir);
    ck_ok(err,
          parse(err, spec, "kind: analyze\nmodel: m\ndata: c/manifest.json\n"));
    return job_spec_resolve(err, spec, support_dir(), NULL, 0);
}

START_TEST(a_manifest_becomes_languages)
{
    struct moe_err err = {0};
    struct job_spec spec;
    ck_ok(&err, resolve_manifest(
                    &err, &spec,
                    "{\"format\": \"polymoe-corpus\", \"files\": ["
                    "{\"path\": \"ca_test.jsonl\", \"language\": \"ca\", "
                    "\"part\": \"test\"}, "
                    "{\"path\": \"ca_train_1.jsonl\", \"language\": \"ca\", "
                    "\"part\": \"train\"}]}"));
    ck_assert_uint_eq(spec.data.n, 1);
    ck_assert_str_eq(spec.data.language[0].name, "ca");
    ck_assert_uint_eq(spec.data.language[0].files.n, 1);
    ck_assert_ptr_nonnull(
        strstr(spec.data.language[0].files.item[0], "/c/ca_train_1.jsonl"));
    job_spec_free(&spec);
    ck_fails(&err, resolve_manifest(&err, &spec, "{\"files\": []}"),
             MOE_EFORMAT, "format is missing, want polymoe-corpus");
    job_spec_free(&spec);
    ck_fails(&err,
             resolve_manifest(&err, &spec,
                              "{\"format\": \"polymoe-corpus\", "
                              "\"files\": [{}]}"),
             MOE_EFORMAT, "a file without path");
    job_spec_free(&spec);
}
END_TEST

START_TEST(a_directory_becomes_languages)
{
    static const char *const names[] = {"ca.b.txt",     "ca.a.u16", "ca-x.txt",
                                        "et.jsonl.zst", "notes.md", "README",
                                        ".txt",         "fi.npy",   "ca.txt"};
    struct moe_err err = {0};
    char *dir = str_path(support_dir(), "texts");
    ck_ok(&err, fs_mkdirs(&err, dir, 0777));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        touch(dir, names[i]);
    char *model = str_path(support_dir(), "m");
    ck_ok(&err, fs_mkdirs(&err, model, 0777));
    free(model);
    char *text = str_format("kind: analyze\nmodel: m\ndata: texts\n");
    struct job_spec spec;
    ck_ok(&err, parse(&err, &spec, text));
    ck_ok(&err, job_spec_resolve(&err, &spec, support_dir(), NULL, 0));
    ck_assert_ptr_null(spec.data.directory);
    ck_assert_uint_eq(spec.data.n, 4);
    ck_assert_str_eq(spec.data.language[0].name, "ca-x");
    ck_assert_str_eq(spec.data.language[1].name, "ca");
    ck_assert_uint_eq(spec.data.language[1].files.n, 3);
    ck_assert_str_eq(strrchr(spec.data.language[1].files.item[0], '/'),
                     "/ca.a.u16");
    ck_assert_str_eq(spec.data.language[2].name, "et");
    ck_assert_str_eq(spec.data.language[3].name, "fi");
    ck_assert_str_eq(strstr(spec.tokenizer, "/m/"), "/m/tokenizer.json");
    /* Twice is once. */
    ck_ok(&err, job_spec_resolve(&err, &spec, "/nowhere", NULL, 0));
    ck_assert_uint_eq(spec.data.n, 4);
    job_spec_free(&spec);
    free(text);
    free(dir);
}
END_TEST

START_TEST(missing_files_are_named)
{
    struct moe_err err = {0};
    struct job_spec spec;
    char *later = str_path(support_dir(), "first.out");
    ck_ok(&err, parse(&err, &spec, small));
    ck_fails(&err, job_spec_resolve(&err, &spec, support_dir(), NULL, 0),
             MOE_EINPUT, "/m: no such file");
    job_spec_free(&spec);
    touch(support_dir(), "m");
    ck_ok(&err, parse(&err, &spec, small));
    ck_fails(&err, job_spec_resolve(&err, &spec, support_dir(), NULL, 0),
             MOE_EINPUT, "data: ");
    job_spec_free(&spec);
    ck_ok(&err, parse(&err, &spec, "kind: analyze\nmodel: m\ndata: m\n"));
    ck_fails(&err, job_spec_resolve(&err, &spec, support_dir(), NULL, 0),
             MOE_EFORMAT, "is a file; write {LANGUAGE: FILE}");
    job_spec_free(&spec);
    ck_ok(&err, parse(&err, &spec,
                      "kind: analyze\nmodel: first.out/model\n"
                      "data: {ca: first.out/x.txt}\n"));
    ck_ok(&err, job_spec_resolve(&err, &spec, support_dir(),
                                 (const char *const *)&later, 1));
    job_spec_free(&spec);
    free(later);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("spec");
    TCase *t = tcase_create("spec");
    tcase_add_test(t, defaults_come_from_the_table);
    tcase_add_test(t, values_have_types);
    tcase_add_test(t, errors_say_where_what_and_what_is_allowed);
    tcase_add_test(t, whole_files_are_refused_too);
    tcase_add_test(t, json_is_yaml);
    tcase_add_test(t, the_command_line_wins);
    tcase_add_test(t, a_directory_becomes_languages);
    tcase_add_test(t, a_manifest_becomes_languages);
    tcase_add_test(t, missing_files_are_named);
    suite_add_tcase(s, t);
    return support_main(s, 0);
}
