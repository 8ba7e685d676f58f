/*
 * check_evaluate.c - how tasks are read, asked and counted, without a device.
 *
 * Claims: a context and a text become the ids that the harness makes of them,
 * cut from the left; every form of a data set's file gives the same items, and
 * a bad one names file and line; answers are found and compared by the
 * harness' filters; means, standard errors and paired tests are those of
 * tables made by hand.
 */
#include "config.h"

#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "eval/answer.h"
#include "eval/encode.h"
#include "eval/items.h"
#include "eval/languages.h"
#include "eval/math.h"
#include "eval/outcome.h"

static struct moe_err err;

/* ---- Ids ----------------------------------------------------------------- */

static struct moe_tokenizer *tokenizer;
static struct encoder encoder;
static struct moe_ids ids;

static void
setup(void)
{
    struct moe_config config = {.V = 4096, .eos = 4095, .bos = -1};
    ck_ok(&err, moe_tokenizer_load(&err, &tokenizer,
                                   SRCDIR "/tests/sample/tokenizer.json"));
    ck_ok(&err, encoder_make(&err, &encoder, &config, tokenizer, 50));
    ids = (struct moe_ids){0};
}

static void
teardown(void)
{
    moe_ids_free(&ids);
    moe_tokenizer_destroy(&tokenizer);
}

static struct encoded
encode(const char *context, const char *text)
{
    struct encoded e;
    ck_ok(&err, encode_pair(&err, &encoder, &ids, &e, context, text));
    return e;
}

/* The ids of a text alone. */
static struct moe_ids
plain(const char *text)
{
    struct moe_ids list = {0};
    ck_ok(&err, moe_tokenizer_encode(&err, tokenizer, &list, text, strlen(text),
                                     NULL));
    return list;
}

static void
is(const struct encoded *e, const char *whole, size_t first)
{
    struct moe_ids want = plain(whole);
    ck_assert_uint_eq(e->n, want.n);
    ck_assert_mem_eq(ids.id + e->at, want.id, want.n * sizeof *want.id);
    ck_assert_uint_eq(e->first, first);
    moe_ids_free(&want);
}

START_TEST(white_space_goes_with_the_text)
{
    struct moe_ids context = plain("Answer:");
    struct encoded a = encode("Answer:", " A"), b = encode("Answer: ", "A"),
                   c = encode("Answer: \n\xc2\xa0", "A");
    is(&a, "Answer: A", context.n);
    is(&b, "Answer: A", context.n);
    is(&c,
       "Answer: \n\xc2\xa0"
       "A",
       context.n);
    moe_ids_free(&context);
    ck_fails(&err, encode_pair(&err, &encoder, &ids, &a, "Answer:", ""),
             MOE_EFORMAT, "no token to score");
}
END_TEST

START_TEST(an_empty_context_is_one_prefix_and_never_two)
{
    struct moe_ids text = plain("The keys");
    struct encoded a = encode("", "The keys"),
                   b = encode("", "<|endoftext|>The keys");
    ck_assert_uint_eq(a.n, text.n + 1);
    ck_assert_int_eq(ids.id[a.at], 4095);
    ck_assert_uint_eq(a.first, 1);
    ck_assert_uint_eq(b.n, a.n);
    ck_assert_mem_eq(ids.id + b.at, ids.id + a.at, a.n * sizeof *ids.id);
    ck_assert_uint_eq(b.first, 1);
    moe_ids_free(&text);
    struct moe_config none = {.V = 10, .eos = -1, .bos = -1};
    struct encoder e;
    ck_fails(&err, encoder_make(&err, &e, &none, tokenizer, 50), MOE_EINVAL,
             "bos_token_id");
}
END_TEST

/* Digits are a token each: "abc" + "de" with room for three. */
START_TEST(only_the_text_is_scored_after_a_cut)
{
    encoder.length = 3;
    struct encoded e = encode("1 2 3", " 4 5");
    struct moe_ids whole = plain("1 2 3 4 5"), text = plain(" 4 5");
    ck_assert_uint_eq(e.n, 4);
    ck_assert_mem_eq(ids.id + e.at, whole.id + whole.n - 4, 4 * sizeof *ids.id);
    ck_assert_uint_eq(e.n - e.first, text.n);
    ck_assert_uint_eq(e.truncated, whole.n - 4);
    ck_assert_uint_eq(e.context, whole.n - text.n);
    ck_assert(!e.too_long);
    size_t before = ids.n;
    e = encode("1", " 2 3 4 5 6 7");
    ck_assert(e.too_long);
    ck_assert_uint_eq(ids.n, before);
    moe_ids_free(&whole);
    moe_ids_free(&text);
}
END_TEST

/* ---- Files --------------------------------------------------------------- */

static struct items items;

static int
read_as(enum task task, const char *language, const char *name,
        const char *text)
{
    const struct task_options opt = {language, MGSM_NATIVE_COT};
    const char *path = support_path(name);
    support_write(path, text, strlen(text));
    items_free(&items);
    return task_read(&err, &items, task, &opt, &path, 1);
}

#define PASSAGE "\"flores_passage\":\"Once.\""
#define ANSWERS                                                                \
    "\"mc_answer1\":\"w\",\"mc_answer2\":\"x\",\"mc_answer3\":\"y\","          \
    "\"mc_answer4\":\"z\""
static const char PROMPT[] =
    "P: Once.\nQ: Who?\nA: w\nB: x\nC: y\nD: z\nAnswer:";

static void
has_question(const char *prompt, int gold)
{
    ck_assert_uint_eq(items.n, 1);
    ck_assert_str_eq(items.item[0].prompt, prompt);
    ck_assert_int_eq(items.item[0].gold, gold);
    items_free(&items);
}

START_TEST(every_form_of_belebele_gives_the_same_prompt)
{
    ck_ok(&err,
          read_as(TASK_BELEBELE, "eng_Latn", "a.jsonl",
                  "\xef\xbb\xbf{" PASSAGE ",\"question\":\" Who?\\n\"," ANSWERS
                  ",\"correct_answer_num\":\"3\"}\r\n\r\n"));
    has_question(PROMPT, 2);
    ck_ok(&err, read_as(TASK_BELEBELE, "eng_Latn", "b.jsonl",
                        "{" PASSAGE ",\"question\":\"Who?\"," ANSWERS
                        ",\"correct_answer_num\":3,\"dialect\":\"eng_Latn\"}"));
    has_question(PROMPT, 2);
    ck_ok(&err, read_as(TASK_BELEBELE, "eng_Latn", "c.tsv",
                        "flores_passage\tquestion\tmc_answer1\tmc_answer2\t"
                        "mc_answer3\tmc_answer4\tcorrect_answer_num\r\n"
                        "Once.\tWho?\tw\t\"x\"\ty\tz\t1\r\n"));
    has_question(PROMPT, 0);
    ck_ok(&err, read_as(TASK_BELEBELE, "eng_Latn", "d.jsonl",
                        "{\"text\":\"Once.\",\"items\":[{\"question\":\"Who?\","
                        "\"answers\":[{\"text\":\"w\"},{\"text\":\"x\"},"
                        "{\"text\":\"y\"},{\"text\":\"z\",\"correct\":true}]}],"
                        "\"metadata\":{\"extra\":{\"language\":\"eng_Latn\"}}"
                        "}\n"));
    has_question(PROMPT, 3);
}
END_TEST

START_TEST(bad_questions_name_file_and_line)
{
    static const struct {
        const char *name, *text, *part;
    } bad[] = {{"e.jsonl",
                "\n{" PASSAGE "," ANSWERS ",\"correct_answer_num\":1}\n",
                "e.jsonl:2: no text under 'question'"},
               {"e.jsonl",
                "{" PASSAGE ",\"question\":\"Who?\"," ANSWERS
                ",\"correct_answer_num\":5}\n",
                "e.jsonl:1: correct_answer_num: '5' found, want 1 to 4"},
               {"e.jsonl",
                "{" PASSAGE ",\"question\":\"Who?\"," ANSWERS
                ",\"correct_answer_num\":1,\"dialect\":\"fra_Latn\"}\n",
                "e.jsonl:1: 'fra_Latn' found, want the dialect eng_Latn"},
               {"e.jsonl", "{\"a\":1\n", "e.jsonl:1: "},
               {"e.jsonl", "[]\n", "e.jsonl:1: not a JSON object"},
               {"e.tsv", "question\tx\nWho?\ty\n", "e.tsv:1: no column"},
               {"e.tsv",
                "flores_passage\tquestion\tmc_answer1\tmc_answer2\tmc_answer3\t"
                "mc_answer4\tcorrect_answer_num\nOnce.\tWho?\tw\t\ty\tz\t1\n",
                "e.tsv:2: no text under 'mc_answer2'"},
               {"e.jsonl", "\n", "nothing to ask"},
               {"e.parquet", "x", "want a .jsonl, .tsv"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_fails(&err,
                 read_as(TASK_BELEBELE, "eng_Latn", bad[i].name, bad[i].text),
                 MOE_EFORMAT, bad[i].part);
    items_free(&items);
}
END_TEST

START_TEST(pairs_of_three_data_sets)
{
    ck_ok(&err, read_as(TASK_MULTIBLIMP, "eng", "m.tsv",
                        "sen\tverb\twrong_sen\tphenomenon\n"
                        "\"He said \"\"no\"\".\"\tis\t\"He\" said.\tSV-#\n"));
    ck_assert_str_eq(items.item[0].good, "He said \"no\".");
    ck_assert_str_eq(items.item[0].bad, "\"He\" said.");
    ck_assert_str_eq(items.item[0].group, "SV-#");
    ck_ok(&err, read_as(TASK_CLAMS, "en", "agrmt.txt",
                        "True\tit is\nFalse\tit are\nTrue\ta\nFalse\tb\n"));
    ck_assert_uint_eq(items.n, 2);
    ck_assert_str_eq(items.item[0].bad, "it are");
    ck_assert_str_eq(items.item[1].group, "agrmt");
    ck_fails(&err, read_as(TASK_CLAMS, "en", "agrmt.txt", "True\ta\nTrue\tb\n"),
             MOE_EFORMAT, "agrmt.txt:2: 'True' found, want False");
    ck_fails(&err, read_as(TASK_CLAMS, "en", "agrmt.txt", "True\ta\n"),
             MOE_EFORMAT, "no pair");
    ck_ok(&err, read_as(TASK_BLIMP, "en", "b.jsonl",
                        "{\"sentence_good\":\"a\",\"sentence_bad\":\"b\","
                        "\"UID\":\"u\"}\n"));
    ck_assert_str_eq(items.item[0].group, "u");
    items_free(&items);
}
END_TEST

START_TEST(mmlu_and_written_answers)
{
    ck_ok(&err,
          read_as(TASK_MMLU, "en", "anatomy_test.csv",
                  "\"Who, \"\"you\"\"?\nOr I?\",w,x,y,z,B\nq,1,2,3,4,D\n"));
    ck_assert_uint_eq(items.n, 2);
    ck_assert_str_eq(items.item[0].prompt,
                     "Who, \"you\"?\nOr I?\nA. w\nB. x\nC. y\nD. z\nAnswer:");
    ck_assert_str_eq(items.item[1].group, "anatomy");
    ck_assert(strstr(items.item[1].place, "anatomy_test.csv:3"));
    ck_assert_int_eq(items.item[1].gold, 3);
    ck_fails(&err, read_as(TASK_MMLU, "en", "a_test.csv", "q,1,2,3,4,E\n"),
             MOE_EFORMAT, "a_test.csv:1: answer 'E' found");
    ck_ok(&err, read_as(TASK_MGSM, "de", "mgsm_de.tsv", "Wie viele?\t1,000\n"));
    ck_assert_str_eq(items.item[0].prompt,
                     "Frage: Wie viele?\nSchritt-für-Schritt-Antwort:");
    ck_assert_str_eq(items.item[0].answer, "1,000");
    ck_fails(&err, read_as(TASK_MGSM, "xx", "mgsm_xx.tsv", "a\t1\n"),
             MOE_EINVAL, "'xx' found, want one of bn");
    ck_fails(&err,
             read_as(TASK_GSM8K, "en", "g.jsonl",
                     "{\"question\":\"a\",\"answer\":\"b\"}\n"),
             MOE_EFORMAT, "g.jsonl:1: an answer without");
    items_free(&items);
}
END_TEST

/* ---- Answers ------------------------------------------------------------- */

static void
finds(const char *text, const char *stem, const char *end, const char *want)
{
    struct str out = {0};
    bool found = stem ? answer_strict(&out, text, stem, end)
                      : answer_flexible(&out, text);
    ck_assert_int_eq(found, want != NULL);
    ck_assert_str_eq(out.s ? out.s : "", want ? want : "");
    str_free(&out);
}

START_TEST(answers_are_found_by_both_filters)
{
    const char *en = math_words("en")->stem;
    const struct math_words *ja = math_words("ja");
    finds("So. The answer is 1,234. The answer is 5.", en, "", "1,234.");
    finds("The answer is x. The answer is -7", en, "", "-7");
    finds("The answer is -", en, "", NULL);
    finds("答えは12です。", ja->stem, ja->end, "12");
    finds("答えは12", ja->stem, ja->end, NULL);
    finds("a 3 and $12.50 then -4 x", NULL, NULL, "-4");
    finds("5", NULL, NULL, "5");
    finds("costs $1,000.", NULL, NULL, "$1,000.");
    finds("no -, no.", NULL, NULL, NULL);
    ck_assert(answer_same_mgsm("1,000", "1000"));
    ck_assert(answer_same_mgsm("12.5", "125"));
    ck_assert(answer_same_mgsm("A b!", "a B"));
    ck_assert(!answer_same_mgsm("3.0", "3"));
    ck_assert(!answer_same_mgsm("[invalid]", "3"));
    ck_assert(answer_same_gsm8k("$1,000.", "So it is\n#### 1000"));
    ck_assert(!answer_same_gsm8k("12.5", "#### 125"));
}
END_TEST

START_TEST(languages_have_one_name)
{
    ck_assert_str_eq(language_name("cat_Latn"), "ca");
    ck_assert_str_eq(language_name("slk"), "sk");
    ck_assert_str_eq(language_name("th"), "th");
    ck_assert_int_eq(language_resource("spa"), RESOURCE_HIGH);
    ck_assert_int_eq(language_resource("urd_Arab"), RESOURCE_LOW);
    ck_assert_int_eq(language_resource("th"), RESOURCE_NONE);
    ck_assert_uint_lt(language_order("ru"), language_order("nld"));
}
END_TEST

/* ---- Numbers ------------------------------------------------------------- */

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
    Suite *suite = suite_create("evaluate");
    TCase *tokens = tcase_create("ids");
    tcase_add_checked_fixture(tokens, setup, teardown);
    tcase_add_test(tokens, white_space_goes_with_the_text);
    tcase_add_test(tokens, an_empty_context_is_one_prefix_and_never_two);
    tcase_add_test(tokens, only_the_text_is_scored_after_a_cut);
    suite_add_tcase(suite, tokens);
    TCase *files = tcase_create("files");
    tcase_add_test(files, every_form_of_belebele_gives_the_same_prompt);
    tcase_add_test(files, bad_questions_name_file_and_line);
    tcase_add_test(files, pairs_of_three_data_sets);
    tcase_add_test(files, mmlu_and_written_answers);
    suite_add_tcase(suite, files);
    TCase *numbers = tcase_create("numbers");
    tcase_add_test(numbers, answers_are_found_by_both_filters);
    tcase_add_test(numbers, languages_have_one_name);
    tcase_add_test(numbers, means_have_the_standard_error_of_the_sample);
    tcase_add_test(numbers, paired_tests_are_those_of_a_table);
    tcase_add_test(numbers, lines_read_back);
    suite_add_tcase(suite, numbers);
    return support_main(suite, 0);
}
