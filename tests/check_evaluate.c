/*
 * check_evaluate.c - how tasks are read and answers found, without a device.
 *
 * Claims: every form of a data set's file gives the same items, and a bad one
 * names file and line; answers are found and compared by the harness' filters;
 * languages have one name.
 */
#include "config.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "eval/answer.h"
#include "eval/items.h"
#include "eval/languages.h"
#include "eval/math.h"

static struct moe_err err;

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

int
main(void)
{
    Suite *suite = suite_create("evaluate");
    TCase *files = tcase_create("files");
    tcase_add_test(files, every_form_of_belebele_gives_the_same_prompt);
    tcase_add_test(files, bad_questions_name_file_and_line);
    tcase_add_test(files, pairs_of_three_data_sets);
    tcase_add_test(files, mmlu_and_written_answers);
    suite_add_tcase(suite, files);
    TCase *answers = tcase_create("answers");
    tcase_add_test(answers, answers_are_found_by_both_filters);
    tcase_add_test(answers, languages_have_one_name);
    suite_add_tcase(suite, answers);
    return support_main(suite, 0);
}
